"""The windows in progress as plain data with the documented keys."""

from __future__ import annotations

from datetime import datetime

from growlearn.app.views import View
from growlearn.domain.window_progress import WindowProgress
from growlearn.ports import Store


def progress_view(store: Store, now: datetime) -> View:
    """Every window that a worker holds now, by stream: `windows`."""
    return {"windows": [_window_view(item) for item in store.windows_in_progress(now)]}


def _window_view(item: WindowProgress) -> View:
    progress = item.progress
    return {
        "stream": item.stream,
        "window": item.window,
        "state": item.state.value,
        "since": item.since.isoformat(),
        "worker": item.worker,
        "stage": None if progress is None else progress.stage,
        "done": None if progress is None else progress.done,
        "total": None if progress is None else progress.total,
        "note": None if progress is None else progress.note,
    }
