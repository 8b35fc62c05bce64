"""Ingest of labels that arrive separately from their rows, in a stream with an id column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.delayed_labels import LabelJoinResult, PendingLabels
from growlearn.domain.printable import list_names
from growlearn.ingest.context import IngestContext, WindowBatch, new_window, quarantine_all_rows
from growlearn.ingest.formats import RawTable
from growlearn.ingest.history import IngestHistory
from growlearn.ingest.label_file import read_labels
from growlearn.ingest.label_join import LabelJoinState, join_labels
from growlearn.ingest.pending_labels import drop_expired, drop_pending, fill_from_pending, store_pending
from growlearn.ingest.row_errors import join_notes, to_bad_rows
from growlearn.ingest.table_rows import ParsedFile


def ingest_labels(context: IngestContext, raw_table: RawTable, history: IngestHistory) -> WindowBatch:
    """Join the labels of a label file to existing windows; the unmatched ones are stored as pending.

    A file without a usable label becomes a quarantined window.
    """
    labels, row_errors, merge_note = read_labels(raw_table, context.schema, history.label_kind)
    if not labels:
        empty = quarantine_all_rows(new_window(context), row_errors)
        return WindowBatch((empty,), to_bad_rows(row_errors, empty.id), 0)
    pending = _get_unexpired_pending(context, history)
    state = join_labels(labels, history.windows, context.schema, context.artifacts)
    drop_pending(state, pending, context.schema, context.artifacts.get)
    new_pending: tuple[PendingLabels, ...] = ()
    if state.unmatched:
        new_pending = (store_pending(state.unmatched, context.file.url, context.at, context.artifacts),)
    label_join = LabelJoinResult(
        last_window=history.last_window,
        pending_before=history.pending,
        pending=(*pending, *new_pending),
        label_updates=tuple(state.updates),
    )
    rejected_rows = sorted((*to_bad_rows(row_errors), *state.conflicts), key=lambda bad: bad.row)
    note = join_notes(_describe_join(state), merge_note, _expired_note(history, pending))
    return WindowBatch((), tuple(rejected_rows), len(labels), label_join=label_join, note=note)


def apply_pending(
    context: IngestContext, parsed: ParsedFile, history: IngestHistory
) -> tuple[ParsedFile, LabelJoinResult | None, str | None]:
    """A file's rows with the labels that arrived before them, the resulting label join, and a note."""
    if context.schema.id_column is None:
        return parsed, None, None
    pending = _get_unexpired_pending(context, history)
    filled = fill_from_pending(parsed.rows, pending, context.artifacts)
    label_join = LabelJoinResult(
        last_window=history.last_window, pending_before=history.pending, pending=filled.pending
    )
    num_matched = sum(entry.labels for entry in pending) - sum(entry.labels for entry in filled.pending)
    num_matched -= len(filled.contradicted)
    note = f"{_format_label_count(num_matched)} that came earlier met their rows" if num_matched else None
    contradicted = (
        f"{_format_label_count(len(filled.contradicted))} that came earlier dropped, because the row has "
        f"another one: {list_names(filled.contradicted, repr)}"
        if filled.contradicted
        else None
    )
    notes = join_notes(note, contradicted, _expired_note(history, pending))
    return replace(parsed, rows=filled.rows), label_join, notes


def _get_unexpired_pending(context: IngestContext, history: IngestHistory) -> tuple[PendingLabels, ...]:
    return drop_expired(history.pending, context.at, context.stream.job.label_delay.timeout_s)


def _describe_join(state: LabelJoinState) -> str:
    count = sum(update.labels for update in state.updates)
    windows = ", ".join(update.window for update in reversed(state.updates))
    parts = [f"{_format_label_count(count)} joined" + (f" to {windows}" if windows else "")]
    if state.already_known:
        parts.append(f"{state.already_known} known already")
    if state.unmatched:
        parts.append(f"{len(state.unmatched)} of rows not seen yet, kept until these come")
    return ", ".join(parts)


def _expired_note(history: IngestHistory, remaining: Sequence[PendingLabels]) -> str | None:
    num_expired = sum(entry.labels for entry in history.pending) - sum(entry.labels for entry in remaining)
    return f"{_format_label_count(num_expired)} expired whose rows never came" if num_expired else None


def _format_label_count(count: int) -> str:
    return f"{count} label{'' if count == 1 else 's'}"
