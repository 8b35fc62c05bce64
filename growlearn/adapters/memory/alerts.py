"""Alerts in memory: those of a store, and the queue of those that are still to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.adapters.memory.state import StreamStates
from growlearn.domain.alert import Alert, PendingAlert


@dataclass
class _QueuedAlert:
    alert: Alert
    attempted_at: datetime | None = None
    claimed_until: datetime | None = None
    sent_at: datetime | None = None


class MemoryAlertQueue:
    """That of a store, whose lock it shares. See ports.AlertQueue for each method."""

    def __init__(self, states: StreamStates) -> None:
        self._lock = states.lock
        self._states = states
        self._alerts: dict[int, _QueuedAlert] = {}
        self._last_id = 0

    def record(self, alerts: Iterable[Alert]) -> None:
        """Put alerts at the end; the store calls it with each change."""
        for alert in alerts:
            self._last_id += 1
            self._alerts[self._last_id] = _QueuedAlert(alert)

    def drop_stream(self, stream: str) -> None:
        """Drop the alerts of a stream."""
        self._alerts = {key: item for key, item in self._alerts.items() if item.alert.stream != stream}

    def add(self, alert: Alert, unless_since: datetime) -> bool:
        """Record an alert; False where there is one of its stream and kind that is not older."""
        with self._lock:
            same = [item.alert for item in self._alerts.values() if _is_same_kind(item.alert, alert)]
            if alert.stream not in self._states or any(one.at >= unless_since for one in same):
                return False
            self.record([alert])
            return True

    def pending(self, since: datetime) -> Sequence[PendingAlert]:
        """Those not sent yet, oldest first."""
        with self._lock:
            return tuple(
                PendingAlert(
                    id=key,
                    alert=item.alert,
                    attempted_at=item.attempted_at,
                    claimed_until=item.claimed_until,
                    last_sent_at=self._last_sent_at(item.alert),
                )
                for key, item in self._alerts.items()
                if item.sent_at is None and item.alert.at >= since
            )

    def _last_sent_at(self, alert: Alert) -> datetime | None:
        same = [item for item in self._alerts.values() if _is_same_kind(item.alert, alert)]
        return max((item.sent_at for item in same if item.sent_at is not None), default=None)

    def claim(self, ids: Sequence[int], now: datetime, lease_s: float) -> bool:
        """True for the one process that may send them all."""
        with self._lock:
            found = [self._alerts[key] for key in ids if key in self._alerts]
            free = [
                item
                for item in found
                if item.sent_at is None and (item.claimed_until is None or item.claimed_until <= now)
            ]
            if len(free) != len(ids):
                return False
            for item in free:
                item.claimed_until = now + timedelta(seconds=lease_s)
            return True

    def record_sent(self, ids: Sequence[int], at: datetime) -> None:
        """Mark them sent."""
        with self._lock:
            for item in self._find(ids):
                item.sent_at, item.attempted_at, item.claimed_until = at, at, None

    def record_failure(self, ids: Sequence[int], reason: str, at: datetime) -> None:  # noqa: ARG002
        """Note a failed attempt at each, and free them; the reason is for people who read tables."""
        with self._lock:
            for item in self._find(ids):
                item.attempted_at, item.claimed_until = at, None

    def _find(self, ids: Sequence[int]) -> list[_QueuedAlert]:
        return [self._alerts[key] for key in ids if key in self._alerts and self._alerts[key].sent_at is None]

    def prune(self, before: datetime) -> None:
        """Forget those that are older."""
        with self._lock:
            self._alerts = {key: item for key, item in self._alerts.items() if item.alert.at >= before}


def _is_same_kind(one: Alert, other: Alert) -> bool:
    return (one.stream, one.kind) == (other.stream, other.kind)
