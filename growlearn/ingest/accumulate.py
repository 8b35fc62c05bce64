"""Accumulate the rows of successive files until a window has as many as the job asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.errors import InvalidFile
from growlearn.domain.redaction import redact
from growlearn.domain.schema import Schema
from growlearn.domain.window import Window, WindowState
from growlearn.ingest.context import (
    IngestContext,
    WindowBatch,
    accept_window,
    new_window,
    quarantine_all_rows,
    quarantine_window,
)
from growlearn.ingest.duplicates import Duplicates, find_repeats
from growlearn.ingest.parquet_codec import COLUMN_CODECS
from growlearn.ingest.row_errors import RowError, RowErrors, join_notes, summarize_errors, to_bad_rows
from growlearn.ingest.rows import Rows, concat_rows, from_parquet, to_parquet
from growlearn.ingest.split_by_task import TaskRows
from growlearn.ingest.spool import Content


def accumulate_rows(context: IngestContext, task_rows: TaskRows, size: int) -> WindowBatch:
    """Add one task's rows to its open window and close full windows; the remaining rows stay open.

    Rows that repeat one of the open window are rejected too; all rejected rows count in the first window of
    the file. Raises InvalidFile where the labels are of another kind than those of the open window.
    """
    changed_windows: list[Window] = []
    window = _find_open_window(context, task_rows.task)
    buffered: Rows | None = None
    if window is not None:
        loaded = _load_buffered_rows(context, window)
        if isinstance(loaded, str):
            reason = f"the schema changed while its rows were being accumulated: {loaded}"
            changed_windows.append(
                quarantine_window(replace(window, updated_at=context.at), reason, window.rows)
            )
            window = None
        else:
            buffered = loaded
    rows, duplicate_errors = _reject_repeats(task_rows, buffered, window, context.stream.job.duplicates)
    row_errors = task_rows.row_errors | duplicate_errors
    if len(rows) == 0:
        empty = quarantine_all_rows(new_window(context, task_rows.task), row_errors)
        return WindowBatch((*changed_windows, empty), to_bad_rows(row_errors, empty.id), 0)
    first_index = len(changed_windows)
    for window_rows in _split_by_size(rows if buffered is None else concat_rows([buffered, rows]), size):
        next_window = (
            new_window(context, task_rows.task) if window is None else _continue_window(window, context)
        )
        counted_errors = row_errors if len(changed_windows) == first_index else {}
        next_window = replace(
            next_window, quarantined_rows=next_window.quarantined_rows + len(counted_errors)
        )
        changed_windows.append(_close_or_keep_open(context, next_window, window_rows, counted_errors, size))
        window = None
    return WindowBatch(
        tuple(changed_windows), to_bad_rows(row_errors, changed_windows[first_index].id), len(rows)
    )


def _find_open_window(context: IngestContext, task: str | None) -> Window | None:
    open_windows = (
        window
        for window in reversed(context.windows)
        if window.state is WindowState.OPEN and window.task == task
    )
    return next(open_windows, None)


def _load_buffered_rows(context: IngestContext, window: Window) -> Rows | str:
    """Rows of an open window; where they were stored under another schema, the column that differs."""
    assert window.snapshot is not None  # an open window is written with its first rows
    content = context.artifacts.view(window.snapshot)
    try:
        return from_parquet(content, context.schema)
    except (KeyError, ValueError) as error:
        return _describe_stored_column(content, context.schema) or str(error)


def _describe_stored_column(content: Content, schema: Schema) -> str | None:
    """The first input that stored rows do not have as the schema wants it."""
    stored = pq.read_table(pa.BufferReader(content))
    for name, spec in schema.inputs.items():
        if name not in stored.column_names:
            return f"column {name!r} is a new input"
        try:
            COLUMN_CODECS[spec.type].read(stored.column(name), spec)
        except ValueError as error:
            return f"column {name!r} is {spec.type} now, but {error}"
    return None if schema.label in stored.column_names else f"the label is column {schema.label!r} now"


def _reject_repeats(
    task_rows: TaskRows, buffered: Rows | None, window: Window | None, duplicates: Duplicates
) -> tuple[Rows, RowErrors]:
    if buffered is None or window is None or len(task_rows.rows) == 0:
        return task_rows.rows, {}
    kinds = [
        {type(label) for label in rows.labels if label is not None} for rows in (buffered, task_rows.rows)
    ]
    if len(kinds[0] | kinds[1]) > 1:
        raise InvalidFile(
            f"labels are {_describe_label_kind(kinds[1])} here and {_describe_label_kind(kinds[0])}"
            f" in {window.id}, still being filled"
        )
    both = concat_rows([replace(buffered, inputs={}), replace(task_rows.rows, inputs={})])
    is_new = find_repeats(both, duplicates)[len(buffered) :] >= len(buffered)
    row_error = RowError("duplicate", f" of a row in window {window.id}")
    return task_rows.rows.take(is_new), {
        int(source_row): row_error for source_row in task_rows.source_rows[~is_new]
    }


def _describe_label_kind(kinds: set[type]) -> str:
    return "text" if str in kinds else "integers"


def _split_by_size(rows: Rows, size: int) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows.take(np.arange(start, min(start + size, len(rows))))


def _continue_window(window: Window, context: IngestContext) -> Window:
    """An open window that takes rows of one more file; its source names the first and the last."""
    first_source = window.source.split(" ... ")[0]
    return replace(window, source=f"{first_source} ... {redact(context.file.url)}", updated_at=context.at)


def _close_or_keep_open(
    context: IngestContext, window: Window, rows: Rows, row_errors: RowErrors, size: int
) -> Window:
    if len(rows) == size:
        return accept_window(context, window, rows, row_errors)
    reason = join_notes(
        f"{len(rows)} of {size} rows",
        summarize_errors(row_errors.values()) if row_errors else None,
        context.note,
    )
    snapshot = context.artifacts.put(to_parquet(rows, context.schema))
    return replace(window, rows=len(rows), labelled=rows.num_labelled, snapshot=snapshot, reason=reason)
