"""Labels that arrive after their rows: joined to them by row id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.delayed_labels import LabelUpdate
from growlearn.domain.errors import CorruptArtifact, InvalidFile
from growlearn.domain.schema import Label, Schema
from growlearn.domain.window import BadRow, Window, WindowState
from growlearn.ingest.label_file import LabelRow
from growlearn.ingest.rows import Column, encode_row_groups, object_column, to_label_array
from growlearn.ingest.spool import SPOOL_BYTES, Content
from growlearn.ports import Artifacts


@dataclass
class LabelJoinState:
    """The state of a file's labels: joined, already known, in conflict, or of rows not seen (`unmatched`)."""

    unmatched: dict[str, LabelRow]
    updates: list[LabelUpdate] = field(default_factory=list)
    conflicts: list[BadRow] = field(default_factory=list)
    already_known: int = 0


def join_labels(
    label_rows: Mapping[str, LabelRow], windows: Sequence[Window], schema: Schema, artifacts: Artifacts
) -> LabelJoinState:
    """Fill in labels that are null in the windows' snapshots; each goes to the newest window of its row id.

    A label that contradicts a known one is rejected with the window's name. Every changed window gets a new
    snapshot; the old one stays. Raises InvalidFile where labels are of another kind than a window's.
    """
    state = LabelJoinState(dict(label_rows))
    for window in reversed(windows):
        if not state.unmatched:
            break
        if window.snapshot is not None and window.state is not WindowState.QUARANTINED:
            _join_window(state, window, window.snapshot, schema, artifacts)
    return state


def _join_window(
    state: LabelJoinState, window: Window, snapshot: str, schema: Schema, artifacts: Artifacts
) -> None:
    try:
        content = artifacts.view(snapshot)
    except CorruptArtifact:
        return  # rows that retention removed; growlearn fsck tells lost ones
    column_names = pq.read_schema(pa.BufferReader(content)).names
    if schema.id_column not in column_names or schema.label not in column_names:
        return  # ingested under a schema without this id column
    table = pq.read_table(pa.BufferReader(content), columns=[schema.id_column, schema.label])
    labels = object_column(table.column(schema.label).to_pylist())
    num_filled = 0
    for row, row_id in enumerate(table.column(schema.id_column).to_pylist()):
        label_row = state.unmatched.pop(row_id, None)
        if label_row is None:
            continue
        if labels[row] is None:
            labels[row], num_filled = label_row.label, num_filled + 1
        elif labels[row] == label_row.label:
            state.already_known += 1
        else:
            state.conflicts.append(_make_conflict(label_row, row_id, labels[row], window.id, schema))
    if not num_filled:
        return
    _require_one_label_kind(labels, window.id)
    new_snapshot = artifacts.put(with_labels(content, schema.label, labels))
    num_labelled = sum(label is not None for label in labels)
    state.updates.append(
        LabelUpdate(
            window=window.id, before=snapshot, after=new_snapshot, labels=num_filled, labelled=num_labelled
        )
    )


def _make_conflict(
    label_row: LabelRow, row_id: str, known_label: Label, window: str, schema: Schema
) -> BadRow:
    conflict = f"window {window} has {known_label!r} already"
    reason = f"{schema.label} {label_row.label!r} of {schema.id_column} {row_id!r}: {conflict}"
    return BadRow(row=label_row.source_row, reason=reason, window=window)


def _require_one_label_kind(labels: Column, window: str) -> None:
    kinds = {type(label) for label in labels if label is not None}
    if len(kinds) > 1:
        raise InvalidFile(f"labels are of another kind, integers or text, than those of {window}")


def with_labels(content: Content, name: str, labels: Column) -> Content:
    """A stored window with other labels; everything else stays byte for byte."""
    file, cells = pq.ParquetFile(pa.BufferReader(content)), to_label_array(labels)
    index = file.schema_arrow.names.index(name)

    def replace_labels() -> Iterator[Any]:
        start = 0
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group)
            part = cells.slice(start, len(table))
            start += len(table)
            yield table.set_column(index, name, part).replace_schema_metadata(None)

    return encode_row_groups(replace_labels(), is_large=len(content) >= SPOOL_BYTES)
