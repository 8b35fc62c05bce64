"""The worker: handles every stream that is due, several at once; an error in one does not stop the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from growlearn.app.backoff import Backoff, back_off
from growlearn.app.log_lines import log_fields
from growlearn.app.outages import Outages
from growlearn.app.signals import Interrupted
from growlearn.domain.errors import ConcurrentUpdate, is_defect
from growlearn.domain.stream_overview import StreamWork
from growlearn.ports import Clock, Store

_log = logging.getLogger(__name__)

StreamHandler = Callable[[str, Callable[[], bool]], None]
"""Ingests and handles the pending data of a stream; after a window it asks whether to let others go first."""

DATABASE = "the database"
"""How lines about outages name it."""

_MAX_BACKOFF_S = 600.0
_MAX_POLL_S = 30.0  # while the database is away


class Worker:
    """Polls the store every `poll_s` seconds, or when woken, and handles the streams that are due.

    A stream is due when a tick was claimed since this worker last handled it, or when it has pending windows,
    such as those of a worker that died. Where more streams are due than `parallel`, each takes its turn: the
    one served longest ago goes first, and lets the next one go after a window. Where another worker holds a
    stream's window, the stream is tried again after `retry_s` seconds, where there are as many windows in
    progress as may be, after `poll_s`; after an error, later and later.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        handle: StreamHandler,
        outages: Outages,
        *,
        poll_s: float,
        parallel: int,
        retry_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._handle = handle
        self._outages = outages
        self._poll_s = poll_s
        self._parallel = parallel
        self._retry_s = retry_s
        self._ticks: dict[str, datetime | None] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._busy: set[str] = set()  # used for membership tests and its size only
        self._turns: dict[str, int] = {}  # number of the last turn of each stream
        self._num_turns = 0
        self._num_waiting = 0
        self._num_failed_polls = 0
        self._awake = threading.Event()

    def wake(self, _stream: str) -> None:
        """Poll at once, because a tick was claimed."""
        self._awake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then wait for the streams in progress."""
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="stream") as pool:
            while not stop.is_set():
                self.start_due(lambda name: pool.submit(self.handle_stream, name, stop))
                self._awake.wait(min(self._poll_s * 2 ** min(self._num_failed_polls, 10), _MAX_POLL_S))
                self._awake.clear()

    def start_due(self, start: Callable[[str], object]) -> None:
        """Start as many due streams as there is room for, the longest waiting first; never raises."""
        try:
            due = [work.name for work in self._store.stream_work() if self._is_due(work)]
        except Exception as error:  # an unavailable database must not end the worker
            self._num_failed_polls += 1
            self._outages.report(DATABASE, str(error))
            return
        self._num_failed_polls = 0
        self._outages.clear(DATABASE)
        due.sort(key=lambda name: self._turns.get(name, 0))
        num_free = max(0, self._parallel - len(self._busy))
        self._num_waiting = max(0, len(due) - num_free)
        for name in due[:num_free]:
            self._busy.add(name)
            self._num_turns += 1
            self._turns[name] = self._num_turns
            start(name)

    def _is_due(self, work: StreamWork) -> bool:
        name = work.name
        if name in self._busy or work.is_paused:
            return False
        backoff = self._backoffs.get(name)
        if backoff is not None and not backoff.is_over(self._clock.now()):
            return False
        return work.last_tick != self._ticks.get(name) or work.has_pending_windows

    def handle_stream(self, name: str, stop: threading.Event) -> None:
        """Handle one stream until it is done, fails or lets others go first; never raises."""
        with log_fields(stream=name):
            try:
                if not stop.is_set():
                    self._handle_stream(name)
            except Interrupted:
                pass  # a stop was requested
            except Exception as error:  # an error in one stream must not stop the others
                self._record_error(name, error)
            finally:
                self._busy.discard(name)
                if self._num_waiting:
                    self._awake.set()

    def _handle_stream(self, name: str) -> None:
        tick = self._store.last_tick(name)  # read first: a tick during the work is a new one
        has_yielded = False

        def stops_early() -> bool:
            """Others go first, or a person has paused it."""
            nonlocal has_yielded
            has_yielded = self._num_waiting > 0 or self._store.stream(name).paused_at is not None
            return has_yielded

        self._handle(name, stops_early)
        self._outages.clear(_describe(name))
        self._backoffs.pop(name, None)
        if has_yielded:
            return  # the rest of it, and so this tick, is still to come
        self._ticks[name] = tick
        if self._store.count_pending(name):
            if self._store.has_active_lease(name, self._clock.now()):  # another worker's
                self._wait_a_lease(name)
            else:  # as many windows are in progress as the limit allows
                self._backoffs[name] = back_off(None, self._clock.now(), self._poll_s, self._poll_s)

    def _record_error(self, name: str, error: Exception) -> None:
        if isinstance(error, ConcurrentUpdate):  # another worker has it, or somebody deleted the stream
            self._wait_a_lease(name)
            return
        if is_defect(error):
            _log.error("a bug stopped the work on a stream; please report it", exc_info=error)
        self._outages.report(_describe(name), str(error) or type(error).__name__)
        before = self._backoffs.get(name)
        self._backoffs[name] = back_off(before, self._clock.now(), self._retry_s, _MAX_BACKOFF_S)

    def _wait_a_lease(self, name: str) -> None:
        self._backoffs[name] = back_off(None, self._clock.now(), self._retry_s, self._retry_s)


def _describe(name: str) -> str:
    return f"stream {name!r}"
