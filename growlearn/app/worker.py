"""The worker: handles every stream that is due, several at once, and is stopped by nobody's trouble."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.app.stopping import Stopped
from growlearn.domain.stream import Stream
from growlearn.ports import Clock, Store

Handle = Callable[[str], None]
"""Takes in and handles all there is of one stream, then tells the tracker."""

_LONGEST_WAIT_S = 600.0
_MOST_DOUBLINGS = 20  # more would at last be no number any more


@dataclass(frozen=True)
class Wait:
    """A stream that is left alone until `until`, after so many tries without an end."""

    tries: int
    until: datetime


class Worker:
    """Looks at the record every `poll_s` seconds, or when woken, and handles what is due.

    A stream is due when a tick was claimed since this worker last handled it, or when windows or
    messages of it are pending: those of a worker that died, or of a tracker that was away. A stream
    whose window another worker holds is looked at again when its lease may have run out; one that
    fails, or cannot tell its tracker, is tried again later and later.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        handle: Handle,
        complain: Callable[[str], None],
        *,
        poll_s: float,
        parallel: int,
        retry_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._handle = handle
        self._complain = complain
        self._poll_s = poll_s
        self._parallel = parallel
        self._retry_s = retry_s
        self._ticks: dict[str, datetime | None] = {}
        self._waits: dict[str, Wait] = {}
        self._busy: set[str] = set()  # asked for membership only
        self._awake = threading.Event()

    def wake(self, _stream: str) -> None:
        """Look now: a tick was claimed."""
        self._awake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then wait for what is under way."""
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="stream") as pool:
            while not stop.is_set():
                self.start_due(lambda name: pool.submit(self.work, name, stop))
                self._awake.wait(self._poll_s)
                self._awake.clear()

    def start_due(self, start: Callable[[str], object]) -> None:
        """Start every due stream that is not being handled; never raises."""
        try:
            due = [stream.name for stream in self._store.streams() if self._is_due(stream)]
        except Exception as error:  # a database that is away must not end the worker
            self._complain(f"cannot read the record: {error}")
            return
        for name in due:
            self._busy.add(name)
            start(name)

    def _is_due(self, stream: Stream) -> bool:
        name = stream.name
        if name in self._busy:
            return False
        wait = self._waits.get(name)
        if wait is not None and self._clock.now() < wait.until:
            return False
        return self._store.last_tick(name) != self._ticks.get(name) or self._is_unfinished(name)

    def _is_unfinished(self, name: str) -> bool:
        return bool(self._store.count_pending(name) or self._store.pending_messages(name, limit=1))

    def work(self, name: str, stop: threading.Event) -> None:
        """Handle one stream to its end or its first trouble; never raises."""
        try:
            if not stop.is_set():
                self._work(name)
        except Stopped:
            pass  # by request
        except Exception as error:  # whatever one stream meets, the others go on
            self._complain(f"stream {name!r}: {error}")
            self._put_off(name)
        finally:
            self._busy.discard(name)

    def _work(self, name: str) -> None:
        tick = self._store.last_tick(name)  # read first: a tick during the work counts as a new one
        self._handle(name)
        self._ticks[name] = tick
        if not self._is_unfinished(name):
            self._waits.pop(name, None)
        elif self._store.count_pending(name):  # another worker holds a window
            self._waits.pop(name, None)
            self._put_off(name)
        else:  # the tracker is away
            self._put_off(name)

    def _put_off(self, name: str) -> None:
        """Wait as long as a lease at first, twice as long after every further try."""
        tries = self._waits[name].tries + 1 if name in self._waits else 1
        seconds = min(self._retry_s * 2 ** min(tries - 1, _MOST_DOUBLINGS), _LONGEST_WAIT_S)
        self._waits[name] = Wait(tries, self._clock.now() + timedelta(seconds=seconds))
