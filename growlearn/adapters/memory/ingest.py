"""The results of ingesting a file, in memory: windows opened, extended or quarantined, and rejected rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from growlearn.adapters.memory.labels import apply_label_join
from growlearn.adapters.memory.state import StreamState
from growlearn.domain.errors import NotFound
from growlearn.domain.window import IngestResult, Window, WindowState, check_can_extend


def add_ingested(state: StreamState, ingested: IngestResult) -> bool:
    """Write a file's windows and bad rows; False, and nothing written, if it was ingested before.

    Raises ConcurrentUpdate where another process has extended, closed, labelled or numbered a window since.
    """
    if _is_already_ingested(state, ingested):
        return False
    state.ingested_files.append(ingested.file_record)
    state.last_file_at = ingested.at
    if ingested.label_join is not None:
        apply_label_join(state, ingested.label_join, ingested.file.url, ingested.at)
    for window in ingested.windows:
        old = state.windows.get(window.id)
        if old is not None:
            check_can_extend(old, window, ingested.extended_windows)
        state.windows[window.id] = window
    for bad in ingested.bad_rows:
        if bad.window is not None:
            state.bad_rows[bad.window] = (*state.bad_rows.get(bad.window, ()), bad)
    return True


def _is_already_ingested(state: StreamState, ingested: IngestResult) -> bool:
    """Whether the latest reading of the url is this one."""
    latest = next((file for file in reversed(state.ingested_files) if file.url == ingested.file.url), None)
    if latest is None:
        return False
    same_schema = latest.schema == ingested.schema
    if ingested.file.taken_once:
        return same_schema or latest.rows > 0
    return same_schema and latest.fingerprint == ingested.file.fingerprint


def select_windows(state: StreamState | None, states: Collection[WindowState] | None) -> Sequence[Window]:
    """The windows of a stream by number: all, or those in these states; none of an unknown stream."""
    windows = () if state is None else state.windows.values()
    selected = [window for window in windows if states is None or window.state in states]
    return tuple(sorted(selected, key=lambda window: window.number))


def require_window(state: StreamState | None, stream: str, window: str) -> Window:
    """One window; raises NotFound."""
    windows = {} if state is None else state.windows
    if window not in windows:
        hint = f"it has w1 to w{len(windows)}" if windows else "it has none yet"
        raise NotFound(f"stream {stream!r} has no window {window!r}", hint=hint)
    return windows[window]
