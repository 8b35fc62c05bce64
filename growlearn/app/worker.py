"""The worker: handles every stream that is due, several at once; an error in one does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.app.signals import Interrupted
from growlearn.domain.stream_overview import StreamWork
from growlearn.ports import Clock, Store

StreamHandler = Callable[[str], None]
"""Ingests and handles all pending data of one stream, then delivers its messages to the tracker."""

_MAX_BACKOFF_S = 600.0
_MAX_DOUBLINGS = 20  # a larger exponent would overflow a float


@dataclass(frozen=True)
class Backoff:
    """A stream that is not tried before `until`, after `num_tries` tries that left work pending."""

    num_tries: int
    until: datetime


class Worker:
    """Polls the store every `poll_s` seconds, or when woken, and handles the streams that are due.

    A stream is due when a tick was claimed since this worker last handled it, or when it has pending
    windows or messages: left by a worker that died, or by a tracker that was unavailable. Where another
    worker holds a stream's window, the stream is tried again when that lease may have expired; after an
    error, or while its tracker is unavailable, with exponential backoff.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        handle: StreamHandler,
        on_error: Callable[[str], None],
        *,
        poll_s: float,
        parallel: int,
        retry_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._handle = handle
        self._on_error = on_error
        self._poll_s = poll_s
        self._parallel = parallel
        self._retry_s = retry_s
        self._ticks: dict[str, datetime | None] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._busy: set[str] = set()  # used for membership tests only
        self._awake = threading.Event()

    def wake(self, _stream: str) -> None:
        """Poll at once, because a tick was claimed."""
        self._awake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then wait for the streams in progress."""
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="stream") as pool:
            while not stop.is_set():
                self.start_due(lambda name: pool.submit(self.handle_stream, name, stop))
                self._awake.wait(self._poll_s)
                self._awake.clear()

    def start_due(self, start: Callable[[str], object]) -> None:
        """Start every due stream that is not in progress; never raises."""
        try:
            due = [work.name for work in self._store.stream_work() if self._is_due(work)]
        except Exception as error:  # an unavailable database must not end the worker
            self._on_error(f"cannot read the database: {error}")
            return
        for name in due:
            self._busy.add(name)
            start(name)

    def _is_due(self, work: StreamWork) -> bool:
        name = work.name
        if name in self._busy:
            return False
        backoff = self._backoffs.get(name)
        if backoff is not None and self._clock.now() < backoff.until:
            return False
        has_new_tick = work.last_tick != self._ticks.get(name)
        return has_new_tick or work.has_pending_windows or work.has_pending_messages

    def _is_unfinished(self, name: str) -> bool:
        return bool(self._store.count_pending(name) or self._store.pending_messages(name, limit=1))

    def handle_stream(self, name: str, stop: threading.Event) -> None:
        """Handle one stream until it is done or fails; never raises."""
        try:
            if not stop.is_set():
                self._handle_stream(name)
        except Interrupted:
            pass  # a stop was requested
        except Exception as error:  # an error in one stream must not stop the others
            self._on_error(f"stream {name!r}: {error}")
            self._back_off(name)
        finally:
            self._busy.discard(name)

    def _handle_stream(self, name: str) -> None:
        tick = self._store.last_tick(name)  # read first: a tick during the work is a new one
        self._handle(name)
        self._ticks[name] = tick
        if not self._is_unfinished(name):
            self._backoffs.pop(name, None)
        elif self._store.count_pending(name):  # another worker holds a window
            self._backoffs.pop(name, None)
            self._back_off(name)
        else:  # the tracker is unavailable
            self._back_off(name)

    def _back_off(self, name: str) -> None:
        """Wait for `retry_s` at first, twice as long after each further try."""
        num_tries = self._backoffs[name].num_tries + 1 if name in self._backoffs else 1
        seconds = min(self._retry_s * 2 ** min(num_tries - 1, _MAX_DOUBLINGS), _MAX_BACKOFF_S)
        self._backoffs[name] = Backoff(num_tries, self._clock.now() + timedelta(seconds=seconds))
