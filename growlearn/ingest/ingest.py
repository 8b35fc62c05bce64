"""Ingest one file of a source: its rows -> windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from growlearn.domain.errors import GrowLearnError, InvalidFile
from growlearn.domain.file_limits import DEFAULT_LIMITS, FileLimits
from growlearn.domain.stream import Stream
from growlearn.domain.window import FileRecord, IngestResult, SourceFile
from growlearn.ingest.accumulate import accumulate_rows
from growlearn.ingest.context import (
    IngestContext,
    WindowBatch,
    accept_window,
    make_ingest_context,
    new_window,
    quarantine_all_rows,
    quarantine_window,
)
from growlearn.ingest.duplicates import reject_repeats
from growlearn.ingest.history import IngestHistory
from growlearn.ingest.label_file import is_label_file
from growlearn.ingest.label_ingest import apply_pending, ingest_labels
from growlearn.ingest.row_errors import to_bad_rows
from growlearn.ingest.split_by_task import TaskRows, split_by_task
from growlearn.ingest.spool import Content, drop_pages
from growlearn.ingest.table_rows import ParsedFile, load_selected_columns, parse_raw_table
from growlearn.ports import Artifacts

ReadFileContent = Callable[[], Mapping[str, Content]]
"""Content of a file by relative path; raises InvalidFile or TemporarilyUnreadable."""


def ingest_file(
    stream: Stream,
    file: SourceFile,
    read: ReadFileContent,
    history: IngestHistory,
    artifacts: Artifacts,
    at: datetime,
    limits: FileLimits = DEFAULT_LIMITS,
) -> IngestResult:
    """Read one file, validate every row, and store the valid ones; `history` is the stream's so far.

    A file that cannot be used becomes one quarantined window; one whose content was ingested before becomes
    none where it was only touched. Raises TemporarilyUnreadable where the file is not complete yet, and what
    the artifacts raise.
    """
    digest: str | None = None
    context = make_ingest_context(stream, file, history.windows, artifacts, at)
    try:
        blobs = _read_content(file, read, limits)
        digest = hash_content(blobs)
        for blob in blobs.values():
            drop_pages(blob)
        previous_file = history.find_same_content(digest)
        batch = (
            _skip_known_content(previous_file, file)
            if previous_file is not None
            else _ingest_content(context, blobs, history, limits)
        )
    except InvalidFile as error:
        # A new context, so that window numbers used above are free again.
        retry_context = make_ingest_context(stream, file, history.windows, artifacts, at)
        batch = WindowBatch((quarantine_window(new_window(retry_context), str(error), 0),), (), 0)
    window_numbers = {window.number for window in batch.windows}
    return IngestResult(
        stream=stream.name,
        file=file,
        sha256=digest,
        schema=stream.job.schema.digest,
        rows=batch.rows,
        windows=batch.windows,
        bad_rows=batch.bad_rows,
        at=at,
        extended_windows=tuple(window for window in history.windows if window.number in window_numbers),
        previous_windows=batch.previous_windows,
        label_join=batch.label_join,
        note=batch.note,
    )


def _skip_known_content(previous_file: FileRecord, file: SourceFile) -> WindowBatch:
    """A file that was only touched adds nothing; the same content under another name is rejected."""
    if previous_file.url != file.url:
        raise InvalidFile(f"same content as {previous_file.url.rpartition('/')[2]}, ingested before")
    return WindowBatch((), (), previous_file.rows, previous_file.windows)


def _ingest_content(
    context: IngestContext, blobs: Mapping[str, Content], history: IngestHistory, limits: FileLimits
) -> WindowBatch:
    with _as_invalid_file():
        raw_table = load_selected_columns(blobs, context.schema, location=context.file.url, limits=limits)
        if is_label_file(raw_table.table.column_names, context.schema):
            return ingest_labels(context, raw_table, history)
        parsed = parse_raw_table(raw_table, context.schema, label_kind=history.label_kind)
        parsed = reject_repeats(parsed, context.schema, context.stream.job.duplicates)
    parsed, label_join, note = apply_pending(context, parsed, history)
    return replace(_ingest_rows(replace(context, note=parsed.note), parsed), label_join=label_join, note=note)


def _ingest_rows(context: IngestContext, parsed: ParsedFile) -> WindowBatch:
    parts = [_make_windows(context, task_rows) for task_rows in split_by_task(parsed)]
    return WindowBatch(
        tuple(window for part in parts for window in part.windows),
        tuple(sorted((bad for part in parts for bad in part.bad_rows), key=lambda bad: bad.row)),
        sum(part.rows for part in parts),
    )


def _make_windows(context: IngestContext, task_rows: TaskRows) -> WindowBatch:
    """Windows of one task's rows, by the job's windowing."""
    if context.stream.job.windowing.rows is not None:
        return accumulate_rows(context, task_rows, context.stream.job.windowing.rows)
    window = new_window(context, task_rows.task)
    rejected_rows = to_bad_rows(task_rows.row_errors, window.id)
    if len(task_rows.rows) == 0:
        return WindowBatch((quarantine_all_rows(window, task_rows.row_errors),), rejected_rows, 0)
    window = replace(window, quarantined_rows=len(task_rows.row_errors))
    return WindowBatch(
        (accept_window(context, window, task_rows.rows, task_rows.row_errors),),
        rejected_rows,
        len(task_rows.rows),
    )


def hash_content(blobs: Mapping[str, Content]) -> str:
    """sha256 of a file's bytes; of the sorted names and hashes where there are several files."""
    if len(blobs) == 1:
        return sha256(next(iter(blobs.values()))).hexdigest()
    listing = "".join(f"{sha256(blob).hexdigest()}  {name}\n" for name, blob in sorted(blobs.items()))
    return sha256(listing.encode(errors="surrogateescape")).hexdigest()


def _read_content(file: SourceFile, read: ReadFileContent, limits: FileLimits) -> Mapping[str, Content]:
    if file.reject_reason:
        raise InvalidFile(f"{file.url.rpartition('/')[2]} {file.reject_reason}; it was not opened")
    limits.check_bytes(file.size_bytes)  # a sparse file takes no room where it lies
    return read()


@contextmanager
def _as_invalid_file() -> Iterator[None]:
    """Turn any unexpected error into InvalidFile, so that one file cannot block those behind it."""
    try:
        yield
    except (GrowLearnError, MemoryError):
        raise
    except Exception as error:
        raise InvalidFile(
            f"the file could not be understood: {type(error).__name__}: {error}",
            hint="this should not happen: please report it with the file",
        ) from error
