"""The ingest of one file, and the windows it may create."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import count

from growlearn.domain.delayed_labels import LabelJoinResult
from growlearn.domain.redaction import redact
from growlearn.domain.schema import Schema
from growlearn.domain.stream import Stream
from growlearn.domain.window import BadRow, SourceFile, Window, WindowState
from growlearn.ingest.row_errors import RowErrors, join_notes, summarize_errors
from growlearn.ingest.rows import Rows, to_parquet
from growlearn.ports import Artifacts


@dataclass(frozen=True, kw_only=True)
class IngestContext:
    """Everything a new window needs: the file, the stream, and the windows it has so far.

    `note` is what a person should know about the file; `window_numbers` counts on from the last window.
    """

    stream: Stream
    file: SourceFile
    windows: Sequence[Window]
    artifacts: Artifacts
    at: datetime
    window_numbers: Iterator[int]
    note: str | None = None

    @property
    def schema(self) -> Schema:
        """The columns of the stream."""
        return self.stream.job.schema


def make_ingest_context(
    stream: Stream, file: SourceFile, windows: Sequence[Window], artifacts: Artifacts, at: datetime
) -> IngestContext:
    """A context whose new windows are numbered on from the highest existing one."""
    last_number = max((window.number for window in windows), default=0)
    return IngestContext(
        stream=stream,
        file=file,
        windows=windows,
        artifacts=artifacts,
        at=at,
        window_numbers=count(last_number + 1),
    )


def new_window(context: IngestContext, task: str | None = None) -> Window:
    """The next window of the stream, empty and open."""
    return Window(
        stream=context.stream.name,
        number=next(context.window_numbers),
        state=WindowState.OPEN,
        source=redact(context.file.url),
        discovered_at=context.at,
        updated_at=context.at,
        task=task,
    )


def quarantine_window(window: Window, reason: str, rows: int) -> Window:
    """The window quarantined, with the number of its rejected rows."""
    return replace(
        window,
        state=WindowState.QUARANTINED,
        rows=0,
        quarantined_rows=rows,
        snapshot=None,
        labelled=None,
        reason=reason,
    )


@dataclass(frozen=True)
class WindowBatch:
    """Windows that a batch of rows opened, extended or closed, and its rejected rows.

    `previous_windows` are the ids of windows that already hold the rows; `label_join` and `note` are about
    labels that arrived separately from their rows.
    """

    windows: tuple[Window, ...]
    bad_rows: tuple[BadRow, ...]
    rows: int
    previous_windows: tuple[str, ...] = ()
    label_join: LabelJoinResult | None = None
    note: str | None = None


def quarantine_all_rows(window: Window, row_errors: RowErrors) -> Window:
    """The quarantined window of rows of which none is usable."""
    return quarantine_window(
        window, f"no usable row: {summarize_errors(row_errors.values())}", len(row_errors)
    )


def accept_window(context: IngestContext, window: Window, rows: Rows, row_errors: RowErrors) -> Window:
    """The window with its snapshot stored, or quarantined where an earlier window holds the same rows.

    `window.quarantined_rows` already counts the row errors.
    """
    content = to_parquet(rows, context.schema)
    duplicate = _find_duplicate_window(context.windows, sha256(content).hexdigest())
    if duplicate is not None:
        source_name = duplicate.source.rpartition("/")[2]
        num_rejected = window.quarantined_rows + len(rows)
        return quarantine_window(window, f"same rows as window {duplicate.id} ({source_name})", num_rejected)
    return replace(
        window,
        state=WindowState.ACCEPTED,
        rows=len(rows),
        labelled=rows.num_labelled,
        snapshot=context.artifacts.put(content),
        reason=join_notes(summarize_errors(row_errors.values()) if row_errors else None, context.note),
    )


def can_resubmit(window: Window) -> bool:
    """Whether the same rows may be sent again: growth was needed, but nothing was learned from them.

    Those of a known task need not be: a later refinement reads them.
    """
    if window.state in (WindowState.SKIPPED, WindowState.REJECTED):
        return window.met_bug or (window.verdict is not None and window.verdict.needs_growth)
    return window.state is WindowState.QUARANTINED


def _find_duplicate_window(windows: Sequence[Window], snapshot: str) -> Window | None:
    matches = (window for window in windows if window.snapshot == snapshot and not can_resubmit(window))
    return next(matches, None)
