"""Labels that come sooner than their rows: kept until these come."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.labels import EarlyLabels
from growlearn.domain.schema import Label, Schema
from growlearn.domain.window import BadRow
from growlearn.ingest.joining import Joined
from growlearn.ingest.label_file import Told
from growlearn.ingest.rows import Rows, label_array, object_column, written
from growlearn.ports import Artifacts

Get = Callable[[str], bytes]
"""Content of an artifact by its sha256."""


def unexpired(early: Sequence[EarlyLabels], at: datetime, wait_s: float) -> tuple[EarlyLabels, ...]:
    """Those that have not waited longer than so many seconds for their rows."""
    return tuple(each for each in early if at - each.at <= timedelta(seconds=wait_s))


def without_early(joined: Joined, early: Sequence[EarlyLabels], schema: Schema, get: Get) -> None:
    """Take from the labels left those that wait already; another one for the same key is refused."""
    for waiting in early:
        for key, label in _labels_of(waiting, get).items():
            told = joined.left.pop(key, None)
            if told is None:
                continue
            if told.label == label:
                joined.known += 1
                continue
            came = f"{label!r} came before it, and still waits for its row"
            reason = f"{schema.label} {told.label!r} of {schema.key} {key!r}: {came}"
            joined.refused.append(BadRow(row=told.place, reason=reason))


def kept_early(left: Mapping[str, Told], source: str, at: datetime, artifacts: Artifacts) -> EarlyLabels:
    """Labels stored until their rows come."""
    content = artifacts.put(_stored({key: told.label for key, told in left.items()}))
    return EarlyLabels(source=source, content=content, labels=len(left), at=at)


def fill_from_early(
    rows: Rows, early: Sequence[EarlyLabels], artifacts: Artifacts
) -> tuple[Rows, tuple[EarlyLabels, ...]]:
    """New rows with the labels that came before them, and what is left of those.

    A row that brings its own label keeps it. Labels of another kind than the rows' own are left alone.
    """
    if rows.ids is None or not early:
        return rows, tuple(early)
    labels = rows.labels.copy()
    row_of = {key: row for row, key in enumerate(rows.ids)}
    left: list[EarlyLabels] = []
    for waiting in early:
        labels_of = _labels_of(waiting, artifacts.get)
        found = [key for key in labels_of if key in row_of]
        kinds = {type(label) for label in labels if label is not None}
        if not found or kinds - {type(label) for label in labels_of.values()}:
            left.append(waiting)
            continue
        for key in found:
            label = labels_of.pop(key)
            labels[row_of[key]] = label if labels[row_of[key]] is None else labels[row_of[key]]
        if labels_of:
            content = artifacts.put(_stored(labels_of))
            left.append(replace(waiting, content=content, labels=len(labels_of)))
    return replace(rows, labels=labels), tuple(left)


def _stored(labels: Mapping[str, Label]) -> bytes:
    told = label_array(object_column(list(labels.values())))
    return written(pa.table({"key": pa.array(list(labels), pa.string()), "label": told}))


def _labels_of(early: EarlyLabels, get: Get) -> dict[str, Label]:
    table = pq.read_table(io.BytesIO(get(early.content)))
    return dict(zip(table.column("key").to_pylist(), table.column("label").to_pylist(), strict=True))
