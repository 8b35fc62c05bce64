"""Says once that something is away, and once that it is back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from growlearn.ports import Clock


class Outages:
    """What is away by name, since when; may be shared by threads."""

    def __init__(
        self, clock: Clock, write: Callable[[str], None], write_error: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._write = write
        self._write_error = write_error
        self._since: dict[str, datetime] = {}
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()

    def report(self, subject: str, reason: str) -> None:
        """`subject` is away: one line, and no more until it is back."""
        with self._lock:
            if subject in self._since:
                return
            self._since[subject] = self._clock.now()
        self._write_error(f"{subject}: {' '.join(reason.split())}; tried again until it is back")

    def clear(self, subject: str) -> None:
        """`subject` is there: one line if it was away."""
        with self._lock:
            since = self._since.pop(subject, None)
        if since is not None:
            self._write(f"{subject} is back after {(self._clock.now() - since).total_seconds():.0f} s")

    def warn(self, subject: str, text: str) -> None:
        """What a person should know about `subject`: one line until the text changes (empty: all is well)."""
        with self._lock:
            if self._said.get(subject, "") == text:
                return
            self._said[subject] = text
        if text:
            self._write_error(text)
