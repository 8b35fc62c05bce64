"""What the worker of a window does at the moment, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from growlearn.domain.growth import Progress
from growlearn.domain.window import WindowState


@dataclass(frozen=True, kw_only=True)
class WindowProgress:
    """A window that a worker holds, at most one a stream.

    `state` is where it stands `since`; `progress` is what the worker last said of the step from there, None
    until it says something.
    """

    stream: str
    window: str
    state: WindowState
    since: datetime
    worker: str
    progress: Progress | None
