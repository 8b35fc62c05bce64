"""Labels that arrive before their rows: stored until the rows arrive."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.delayed_labels import PendingLabels
from growlearn.domain.schema import Label, Schema
from growlearn.domain.window import BadRow
from growlearn.ingest.label_file import LabelRow
from growlearn.ingest.label_join import LabelJoinState
from growlearn.ingest.rows import Rows, object_column, to_label_array, to_parquet_bytes
from growlearn.ports import Artifacts

ReadArtifact = Callable[[str], bytes]
"""Content of an artifact by its sha256."""


def drop_expired(
    pending: Sequence[PendingLabels], at: datetime, timeout_s: float
) -> tuple[PendingLabels, ...]:
    """The labels that have not waited for their rows longer than `timeout_s` seconds."""
    return tuple(entry for entry in pending if at - entry.at <= timedelta(seconds=timeout_s))


def drop_pending(
    state: LabelJoinState, pending: Sequence[PendingLabels], schema: Schema, read_artifact: ReadArtifact
) -> None:
    """Remove unmatched labels that are already pending; reject another label for the same row id."""
    for entry in pending:
        for row_id, label in _load_labels(entry, read_artifact).items():
            label_row = state.unmatched.pop(row_id, None)
            if label_row is None:
                continue
            if label_row.label == label:
                state.already_known += 1
                continue
            conflict = f"{label!r} came before it, and still waits for its row"
            reason = f"{schema.label} {label_row.label!r} of {schema.id_column} {row_id!r}: {conflict}"
            state.conflicts.append(BadRow(row=label_row.source_row, reason=reason))


def store_pending(
    unmatched: Mapping[str, LabelRow], source: str, at: datetime, artifacts: Artifacts
) -> PendingLabels:
    """Store unmatched labels until their rows arrive."""
    content = artifacts.put(
        _encode_labels({row_id: label_row.label for row_id, label_row in unmatched.items()})
    )
    return PendingLabels(source=source, content=content, labels=len(unmatched), at=at)


@dataclass(frozen=True, eq=False)
class FilledRows:
    """Rows with the labels that arrived before them, those still pending, and what could not be joined.

    `contradicted` are the ids of rows whose own label is another one than that which came before.
    """

    rows: Rows
    pending: tuple[PendingLabels, ...]
    contradicted: tuple[str, ...] = ()


def fill_from_pending(rows: Rows, pending: Sequence[PendingLabels], artifacts: Artifacts) -> FilledRows:
    """New rows with the labels that arrived before them.

    A row with its own label keeps it. Labels of another kind than the rows' own stay pending.
    """
    if rows.row_ids is None or not pending:
        return FilledRows(rows, tuple(pending))
    labels = rows.labels.copy()
    row_by_id = {row_id: row for row, row_id in enumerate(rows.row_ids)}
    remaining: list[PendingLabels] = []
    contradicted: list[str] = []
    for entry in pending:
        labels_by_id = _load_labels(entry, artifacts.get)
        matched_ids = [row_id for row_id in labels_by_id if row_id in row_by_id]
        kinds = {type(label) for label in labels if label is not None}
        if not matched_ids or kinds - {type(label) for label in labels_by_id.values()}:
            remaining.append(entry)
            continue
        for row_id in matched_ids:
            label, row = labels_by_id.pop(row_id), row_by_id[row_id]
            if labels[row] not in (None, label):
                contradicted.append(row_id)
            labels[row] = label if labels[row] is None else labels[row]
        if labels_by_id:
            content = artifacts.put(_encode_labels(labels_by_id))
            remaining.append(replace(entry, content=content, labels=len(labels_by_id)))
    return FilledRows(replace(rows, labels=labels), tuple(remaining), tuple(contradicted))


def _encode_labels(labels: Mapping[str, Label]) -> bytes:
    label_column = to_label_array(object_column(list(labels.values())))
    return to_parquet_bytes(pa.table({"row_id": pa.array(list(labels), pa.string()), "label": label_column}))


def _load_labels(pending: PendingLabels, read_artifact: ReadArtifact) -> dict[str, Label]:
    table = pq.read_table(io.BytesIO(read_artifact(pending.content)))
    return dict(zip(table.column("row_id").to_pylist(), table.column("label").to_pylist(), strict=True))
