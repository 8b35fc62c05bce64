"""Labels that come later than their rows: joined to them by key."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.labels import Relabelled
from growlearn.domain.schema import Label, Schema
from growlearn.domain.window import BadRow, Window
from growlearn.ingest.label_file import Told
from growlearn.ingest.rows import Column, label_array, object_column, written
from growlearn.ports import Artifacts


@dataclass
class Joined:
    """What became of a file's labels: joined, known before, refused, or (`left`) of rows not seen yet."""

    left: dict[str, Told]
    relabelled: list[Relabelled] = field(default_factory=list)
    refused: list[BadRow] = field(default_factory=list)
    known: int = 0


def join_labels(
    told: Mapping[str, Told], windows: Sequence[Window], schema: Schema, artifacts: Artifacts
) -> Joined:
    """Fill in labels that were null in the windows' snapshots; each goes to the newest window of its key.

    A label that is known and another is refused, naming the window. Every changed window gets a new
    snapshot, the old one stays. Raises UnreadableFile where labels are of another kind than a window's.
    """
    joined = Joined(dict(told))
    for window in reversed(windows):
        if not joined.left:
            break
        if window.snapshot is not None:
            _join_window(joined, window, window.snapshot, schema, artifacts)
    return joined


def _join_window(joined: Joined, window: Window, snapshot: str, schema: Schema, artifacts: Artifacts) -> None:
    content = artifacts.get(snapshot)
    names = pq.read_schema(io.BytesIO(content)).names
    if schema.key not in names or schema.label not in names:
        return  # taken in under a schema without this key
    both = pq.read_table(io.BytesIO(content), columns=[schema.key, schema.label])
    labels = object_column(both.column(schema.label).to_pylist())
    filled = 0
    for row, key in enumerate(both.column(schema.key).to_pylist()):
        told = joined.left.pop(key, None)
        if told is None:
            continue
        if labels[row] is None:
            labels[row], filled = told.label, filled + 1
        elif labels[row] == told.label:
            joined.known += 1
        else:
            joined.refused.append(_refusal(told, key, labels[row], window.id, schema))
    if not filled:
        return
    _require_one_kind(labels, window.id)
    after = artifacts.put(relabelled(content, schema.label, labels))
    count = sum(label is not None for label in labels)
    joined.relabelled.append(
        Relabelled(window=window.id, before=snapshot, after=after, labels=filled, labelled=count)
    )


def _refusal(told: Told, key: str, known: Label, window: str, schema: Schema) -> BadRow:
    reason = f"{schema.label} {told.label!r} of {schema.key} {key!r}: window {window} has {known!r} already"
    return BadRow(row=told.place, reason=reason, window=window)


def _require_one_kind(labels: Column, window: str) -> None:
    kinds = {type(label) for label in labels if label is not None}
    if len(kinds) > 1:
        raise UnreadableFile(f"labels are of another kind, integers or text, than those of {window}")


def relabelled(content: bytes, name: str, labels: Column) -> bytes:
    """A stored window with other labels, all else byte for byte as it is stored anew."""
    table = pq.read_table(io.BytesIO(content))
    place = table.column_names.index(name)
    return written(table.set_column(place, name, label_array(labels)).replace_schema_metadata(None))
