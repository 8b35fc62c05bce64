"""What a run did, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.cycle import RunSummary
from growlearn.domain.window import IngestedFile, Window, WindowState
from growlearn.ports import Store

_ENDS = {
    WindowState.PROMOTED: "promoted",
    WindowState.HELD: "held for a person to promote",
    WindowState.REJECTED: "rejected",
    WindowState.SETTLED: "nothing grown",
    WindowState.WAITING: "waiting for labels",
}


def sentences(stream: str, summary: RunSummary, store: Store) -> Iterator[str]:
    """A line for each file that was kept out, wholly or in part, or brought labels, and for each window."""
    yield from kept_out(stream, summary)
    versions = {version.window: version for version in store.versions(stream)}
    for window in summary.windows:
        version = versions.get(window.id)
        made = ""
        if version is not None:
            made = f"; version {version.number}, average accuracy {100 * version.average_accuracy:.2f} %"
        yield f"{stream} {_window(window)}{made}"


def kept_out(stream: str, summary: RunSummary) -> list[str]:
    """A line for each file that was kept out, wholly or in part, or brought labels."""
    return [line for file in summary.files for line in _kept_out(stream, file)]


def _window(window: Window) -> str:
    verdict = "not judged" if window.verdict is None else window.verdict.value
    end = _ENDS.get(window.state, window.state.value)
    task = f" ({window.task})" if window.task else ""
    reason = f": {window.reason}" if window.reason else ""
    return f"{window.id}, {window.rows} rows, {verdict}{task}, {end}{reason}"


def _kept_out(stream: str, file: IngestedFile) -> Iterator[str]:
    for window in file.windows:
        if window.state is WindowState.QUARANTINED:
            yield f"{stream} {window.id}, quarantined: {file.file.url}: {window.reason}"
    if file.bad_rows:
        first = file.bad_rows[0]
        yield (
            f"{stream}: {len(file.bad_rows)} rows kept out of {file.file.url}, "
            f"the first is row {first.row}: {first.reason}"
        )
    if file.note:
        yield f"{stream}: {file.file.url}: {file.note}"


def kept_out_anything(summary: RunSummary) -> bool:
    """Whether any row or file was quarantined."""
    return any(
        file.bad_rows or any(window.state is WindowState.QUARANTINED for window in file.windows)
        for file in summary.files
    )
