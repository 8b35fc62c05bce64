"""Sends alerts to the webhook beside the work on streams, which never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from growlearn.app.backoff import Backoff, back_off
from growlearn.app.outages import Outages
from growlearn.app.worker import DATABASE
from growlearn.domain.alert import (
    ALERT_LIFETIME,
    ALERT_RETENTION,
    SILENCE_REMINDER,
    Alert,
    AlertKind,
    FoldedAlert,
    fold_due_alerts,
)
from growlearn.domain.errors import GrowLearnError
from growlearn.ports import AlertQueue, Clock, Store
from growlearn.settings import Settings

WEBHOOK = "the webhook"
"""How lines about outages name it."""

_CLAIM_S = 60.0  # longer than a request takes
_FIRST_BACKOFF_S = 5.0
_MAX_BACKOFF_S = 600.0
_CHECK_INTERVAL = timedelta(minutes=1)
_STOP_S = 2.0

SendAlert = Callable[[FoldedAlert], None]
"""Sends one request, or raises."""


class AlertSender:
    """Polls for alerts that are due and sends them, those of one stream and kind folded together.

    While the receiver fails it is tried later and later, each time with the alert tried longest ago: so one
    that it refuses does not hold up the others. Any number of processes may do this; each alert is claimed by
    one. Only those of `kinds` are sent. It also looks for streams that have gone silent, and forgets what is
    old; without `send` it does these two alone.
    """

    def __init__(
        self,
        store: Store,
        queue: AlertQueue,
        clock: Clock,
        send: SendAlert | None,
        outages: Outages,
        *,
        kinds: Collection[str],
        poll_s: float,
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._send = send
        self._outages = outages
        self._kinds = kinds
        self._poll_s = poll_s
        self._backoff: Backoff | None = None
        self._checked_at: datetime | None = None

    def start(self, stop: threading.Event) -> Callable[[], None]:
        """Send in a thread until `stop` is set; returns what waits for its end, seconds at most."""
        thread = threading.Thread(target=self._run, args=(stop,), name="alerts", daemon=True)
        thread.start()
        return lambda: thread.join(_STOP_S)  # what is cut short is sent again, by whoever runs then

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.send_due(stop)
            stop.wait(self._poll_s)

    def send_due(self, stop: threading.Event) -> None:
        """Send what is due until the receiver fails; never raises."""
        now = self._clock.now()
        try:
            if self._checked_at is None or now - self._checked_at >= _CHECK_INTERVAL:
                self._checked_at = now
                report_silent_streams(self._store, self._queue, now)
                self._queue.prune(now - ALERT_RETENTION)
            if self._send is not None and (self._backoff is None or self._backoff.is_over(now)):
                self._send_all(self._send, stop)
        except Exception as error:  # an unavailable database must not end the thread
            self._outages.report(DATABASE, str(error))

    def _send_all(self, send: SendAlert, stop: threading.Event) -> None:
        now = self._clock.now()
        pending = [
            item for item in self._queue.pending(now - ALERT_LIFETIME) if item.alert.kind in self._kinds
        ]
        for folded in fold_due_alerts(pending, now):
            if stop.is_set():
                return
            if self._queue.claim(folded.ids, self._clock.now(), _CLAIM_S) and not self._try(send, folded):
                return

    def _try(self, send: SendAlert, folded: FoldedAlert) -> bool:
        try:
            send(folded)
        except Exception as error:  # whatever it is, it concerns this thread alone
            reason = str(error) or type(error).__name__
            now = self._clock.now()
            self._queue.record_failure(folded.ids, reason, now)
            self._backoff = back_off(self._backoff, now, _FIRST_BACKOFF_S, _MAX_BACKOFF_S)
            self._outages.report(WEBHOOK, reason)
            return False
        self._queue.record_sent(folded.ids, self._clock.now())
        self._backoff = None
        self._outages.clear(WEBHOOK)
        return True


def build_alert_sender(settings: Settings, store: Store, queue: AlertQueue, outages: Outages) -> AlertSender:
    """That of these settings."""
    from growlearn.app.composition import build_alert_sending, system_clock

    return AlertSender(
        store,
        queue,
        system_clock(),
        build_alert_sending(settings),
        outages,
        kinds=settings.webhook_events,
        poll_s=settings.poll_s,
    )


def send_alerts_once(settings: Settings, store: Store, write_error: Callable[[str], None]) -> None:
    """Send what is due now, for a command that ends; what cannot be sent is kept for the next one."""
    from growlearn.app.composition import open_alert_queue, system_clock

    try:
        queue = open_alert_queue(settings)
    except GrowLearnError:  # without the database nothing is known, and the command has said so
        return
    outages = Outages(system_clock(), write_error, write_error)
    build_alert_sender(settings, store, queue, outages).send_due(threading.Event())


def report_silent_streams(store: Store, queue: AlertQueue, now: datetime) -> None:
    """Record an alert for each stream without a file for its `silent_after`: once, and each week again."""
    for arrival in store.stream_arrivals():
        if arrival.is_silent(now):
            alert = Alert(
                stream=arrival.name,
                kind=AlertKind.SILENCE,
                at=now,
                text=f"no new file since {arrival.last_at:%Y-%m-%d %H:%M} UTC; the job expects one"
                f" every {arrival.silent_after}",
            )
            queue.add(alert, unless_since=max(arrival.last_at, now - SILENCE_REMINDER))


def report_stream_failure(
    queue: AlertQueue, stream: str, error: Exception, begun: datetime, now: datetime
) -> None:
    """Record that a stream could not be handled, unless a failure since `begun` says so already.

    Never raises: where the database is away, nothing can be recorded.
    """
    alert = Alert(stream=stream, kind=AlertKind.FAILURE, at=now, text=str(error) or type(error).__name__)
    try:
        queue.add(alert, unless_since=begun)
    except GrowLearnError:
        return
