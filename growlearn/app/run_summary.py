"""What a run did, as lines of text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from growlearn.app.log_lines import set_log_fields
from growlearn.domain.window import IN_PROGRESS, IngestResult, Window, WindowState
from growlearn.ingest.row_errors import MAX_LISTED_ROWS
from growlearn.pipeline.run import RunEvents, RunSummary
from growlearn.ports import Store

_STATE_PHRASES = {
    WindowState.PROMOTED: "promoted",
    WindowState.PENDING_APPROVAL: "held for a person to promote",
    WindowState.REJECTED: "rejected",
    WindowState.SKIPPED: "nothing grown",
    WindowState.AWAITING_LABELS: "waiting for labels",
}


_STATES_WITH_VERSION = (WindowState.PROMOTED, WindowState.PENDING_APPROVAL)


def report_events(stream: str, store: Store, write: Callable[[str], None]) -> RunEvents:
    """Events that write a line as soon as something has happened to a file or a window."""

    def write_file(file: IngestResult) -> None:
        for line in file_lines(stream, file):
            write(line)

    def write_claim(window: Window) -> None:
        set_log_fields(window=window.id, claim=window.claim)
        if window.state in IN_PROGRESS:
            write(f"{stream} {window.id}, {window.state}, was left unfinished and is taken up here")

    def write_window(window: Window) -> None:
        write(window_line(stream, window, store))
        set_log_fields(window=None, claim=None)

    return RunEvents(write_file, write_claim, write_window)


def window_line(stream: str, window: Window, store: Store) -> str:
    """What became of a window."""
    versions = store.versions(stream) if window.state in _STATES_WITH_VERSION else ()
    version = next((item for item in versions if item.window == window.id), None)
    version_note = ""
    if version is not None:
        version_note = f"; version {version.number}, average accuracy {100 * version.average_accuracy:.2f} %"
    return f"{stream} {_window_line(window)}{version_note}"


def _window_line(window: Window) -> str:
    verdict = "not judged" if window.verdict is None else window.verdict.value
    outcome = _STATE_PHRASES.get(window.state, window.state.value)
    task = f" ({window.task})" if window.task else ""
    reason = f": {window.reason}" if window.reason else ""
    return f"{window.id}, {window.rows} rows, {verdict}{task}, {outcome}{reason}"


def file_lines(stream: str, file: IngestResult) -> Iterator[str]:
    """A line for a file that was quarantined or has quarantined rows, or with labels."""
    for window in file.windows:
        if window.state is WindowState.QUARANTINED:
            yield f"{stream} {window.id}, quarantined: {file.file.url}: {window.reason}"
    if file.bad_rows:
        first = file.bad_rows[0]
        count = f"{len(file.bad_rows)}{' or more' if len(file.bad_rows) >= MAX_LISTED_ROWS else ''}"
        yield (
            f"{stream}: {count} rows quarantined from {file.file.url}, "
            f"the first is row {first.row}: {first.reason}"
        )
    if file.note:
        yield f"{stream}: {file.file.url}: {file.note}"


def has_rejections(summary: RunSummary) -> bool:
    """Whether any row, file or window was quarantined."""
    windows = itertools.chain(summary.windows, *(file.windows for file in summary.files))
    return any(file.bad_rows for file in summary.files) or any(
        window.state is WindowState.QUARANTINED for window in windows
    )
