"""Delivers the messages of all streams to the tracker beside the work on them, which never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum

from growlearn.app.backoff import Backoff, back_off
from growlearn.app.outages import Outages
from growlearn.app.worker import DATABASE
from growlearn.ports import Clock, Store

_MAX_BACKOFF_S = 60.0
_STOP_S = 10.0


class Delivery(StrEnum):
    """What came of an attempt to deliver a stream's messages."""

    DONE = "done"
    ELSEWHERE = "elsewhere"  # another process is delivering them
    FAILED = "failed"  # the tracker is away; they are kept


class Deliverer:
    """Polls the store for undelivered messages, and delivers them stream by stream, in order.

    While the tracker is away it is tried with exponential backoff, each time with the stream tried longest
    ago: so one stream that cannot be delivered does not hold up the others. A stream that another process
    delivers is left to it for `retry_s` seconds.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliver: Callable[[str], Delivery],
        outages: Outages,
        *,
        poll_s: float,
        retry_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._deliver = deliver
        self._outages = outages
        self._poll_s = poll_s
        self._retry_s = retry_s
        self._backoff: Backoff | None = None
        self._elsewhere: dict[str, Backoff] = {}
        self._turns: dict[str, int] = {}  # number of the last attempt for each stream
        self._num_turns = 0
        self._unchecked: set[str] = set()
        self._lock = threading.Lock()
        self._awake = threading.Event()

    def wake(self, stream: str) -> None:
        """Look at a stream at once, because it was handled."""
        with self._lock:
            self._unchecked.add(stream)
        self._awake.set()

    def start(self, stop: threading.Event) -> Callable[[], None]:
        """Deliver in a thread until `stop` is set; returns what waits for its end, some seconds at most."""
        thread = threading.Thread(target=self._run, args=(stop,), name="deliverer", daemon=True)
        thread.start()

        def join() -> None:
            self._awake.set()
            thread.join(_STOP_S)  # what is cut short is delivered again, once

        return join

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.deliver_due(stop)
            self._awake.wait(self._poll_s)
            self._awake.clear()

    def deliver_due(self, stop: threading.Event) -> None:
        """Deliver the messages of each stream that has some, until the tracker fails; never raises."""
        if self._backoff is not None and not self._backoff.is_over(self._clock.now()):
            return
        try:
            names = self._list_due()
        except Exception as error:  # an unavailable database must not end the thread
            self._outages.report(DATABASE, str(error))
            return
        for name in names:
            if stop.is_set() or not self._try(name):
                return

    def _list_due(self) -> list[str]:
        with self._lock:
            names = {*self._store.outbox.streams(), *self._unchecked}
            self._unchecked.clear()
        now = self._clock.now()
        due = [name for name in names if name not in self._elsewhere or self._elsewhere[name].is_over(now)]
        return sorted(due, key=lambda name: (self._turns.get(name, 0), name))

    def _try(self, name: str) -> bool:
        self._num_turns += 1
        self._turns[name] = self._num_turns
        try:
            delivery = self._deliver(name)
        except Exception as error:  # such as a stream that was deleted meanwhile
            self._outages.report(f"delivery of stream {name!r}", str(error) or type(error).__name__)
            delivery = Delivery.FAILED
        else:
            if delivery is not Delivery.FAILED:
                self._outages.clear(f"delivery of stream {name!r}")
        now = self._clock.now()
        self._elsewhere.pop(name, None)
        if delivery is Delivery.ELSEWHERE:
            self._elsewhere[name] = back_off(None, now, self._retry_s, self._retry_s)
        if delivery is Delivery.FAILED:
            self._backoff = back_off(self._backoff, now, self._retry_s, max(self._retry_s, _MAX_BACKOFF_S))
        elif delivery is Delivery.DONE:
            self._backoff = None
        return delivery is not Delivery.FAILED
