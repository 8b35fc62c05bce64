"""What a run did, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.domain.window import IngestResult, Window, WindowState
from growlearn.ingest.row_errors import MAX_LISTED_ROWS
from growlearn.pipeline.run import RunSummary
from growlearn.ports import Store

_STATE_PHRASES = {
    WindowState.PROMOTED: "promoted",
    WindowState.PENDING_APPROVAL: "held for a person to promote",
    WindowState.REJECTED: "rejected",
    WindowState.SKIPPED: "nothing grown",
    WindowState.AWAITING_LABELS: "waiting for labels",
}


def summary_lines(stream: str, summary: RunSummary, store: Store) -> Iterator[str]:
    """A line for each file with quarantined rows, or with labels, and for each window."""
    yield from rejected_lines(stream, summary)
    versions = {version.window: version for version in store.versions(stream)}
    for window in summary.windows:
        version = versions.get(window.id)
        version_note = ""
        if version is not None:
            version_note = (
                f"; version {version.number}, average accuracy {100 * version.average_accuracy:.2f} %"
            )
        yield f"{stream} {_window_line(window)}{version_note}"


def rejected_lines(stream: str, summary: RunSummary) -> list[str]:
    """A line for each file that was quarantined or has quarantined rows, or with labels."""
    return [line for file in summary.files for line in _rejected_file_lines(stream, file)]


def _window_line(window: Window) -> str:
    verdict = "not judged" if window.verdict is None else window.verdict.value
    outcome = _STATE_PHRASES.get(window.state, window.state.value)
    task = f" ({window.task})" if window.task else ""
    reason = f": {window.reason}" if window.reason else ""
    return f"{window.id}, {window.rows} rows, {verdict}{task}, {outcome}{reason}"


def _rejected_file_lines(stream: str, file: IngestResult) -> Iterator[str]:
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
    """Whether any row or file was quarantined."""
    return any(
        file.bad_rows or any(window.state is WindowState.QUARANTINED for window in file.windows)
        for file in summary.files
    )
