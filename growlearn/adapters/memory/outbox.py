"""Messages to the tracker in memory: those of a store, until they are delivered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.adapters.memory.model import set_tracker_ids
from growlearn.adapters.memory.state import HeldLease, StreamStates, require_timezone
from growlearn.domain.stream import Message, PendingMessage, TrackerIds, UndeliverableMessage


@dataclass
class _QueuedMessage:
    message: Message
    attempts: int = 0
    delivered: bool = False
    undeliverable: bool = False
    reason: str | None = None


class MemoryOutbox:
    """That of a store, whose lock it shares. See ports.Outbox for each method.

    Ids are never reused, so a late delivery cannot affect another message.
    """

    def __init__(self, states: StreamStates) -> None:
        self._lock = states.lock
        self._states = states
        self._messages: dict[int, _QueuedMessage] = {}
        self._last_id = 0

    def record(self, messages: Iterable[Message]) -> None:
        """Put messages at the end; the store calls it with each change."""
        for message in messages:
            self._last_id += 1
            self._messages[self._last_id] = _QueuedMessage(message)

    def drop_stream(self, stream: str) -> None:
        """Drop the messages of a stream."""
        self._messages = {
            key: queued for key, queued in self._messages.items() if queued.message.stream != stream
        }

    def enqueue(self, messages: Sequence[Message]) -> None:
        """Queue messages without any other change; raises NotFound."""
        with self._lock:
            for message in messages:
                self._states.get(message.stream)
                self.record([message])

    def pending(self, stream: str | None = None, limit: int = 100) -> Sequence[PendingMessage]:
        """Undelivered messages, oldest first."""
        with self._lock:
            undelivered = [
                PendingMessage(id=key, message=queued.message, attempts=queued.attempts)
                for key, queued in self._messages.items()
                if _is_pending(queued) and stream in (None, queued.message.stream)
            ]
            return tuple(undelivered[:limit])

    def streams(self) -> Sequence[str]:
        """The streams that have undelivered messages, by name."""
        with self._lock:
            names = {queued.message.stream for queued in self._messages.values() if _is_pending(queued)}
            return tuple(sorted(names))

    def claim(self, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
        """True for the one worker that may deliver a stream's messages to the tracker."""
        with self._lock:
            require_timezone(now)
            state = self._states.find(stream)
            if state is None or any(
                lease.owner != worker and lease.until > now for lease in state.outbox_lease
            ):
                return False
            state.outbox_lease[:] = [HeldLease(worker, now + timedelta(seconds=lease_s))]
            return True

    def release(self, stream: str, worker: str) -> None:
        """End that lease at once."""
        with self._lock:
            state = self._states.find(stream)
            if state is not None:
                state.outbox_lease[:] = [lease for lease in state.outbox_lease if lease.owner != worker]

    def record_delivery(self, message_id: int, tracker_ids: TrackerIds, at: datetime) -> None:
        """Mark a message delivered, once; the tracker's ids are stored on its window's version."""
        with self._lock:
            require_timezone(at)
            queued = self._find_undelivered(message_id)
            if queued is not None:
                queued.delivered, queued.undeliverable = True, False
                set_tracker_ids(self._states.get(queued.message.stream), queued.message.window, tracker_ids)

    def record_failure(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt and keep its reason."""
        with self._lock:
            require_timezone(at)
            queued = self._find_undelivered(message_id)
            if queued is not None:
                queued.attempts += 1
                queued.reason = reason

    def record_undeliverable(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt and take the message out of the queue."""
        with self._lock:
            self.record_failure(message_id, reason, at)
            queued = self._find_undelivered(message_id)
            if queued is not None:
                queued.undeliverable = True

    def _find_undelivered(self, message_id: int) -> _QueuedMessage | None:
        queued = self._messages.get(message_id)
        return None if queued is None or queued.delivered else queued

    def undeliverable(self, stream: str) -> Sequence[UndeliverableMessage]:
        """Those taken out of the queue, oldest first."""
        with self._lock:
            return tuple(
                UndeliverableMessage(message=queued.message, reason=queued.reason or "")
                for queued in self._messages.values()
                if queued.undeliverable and queued.message.stream == stream
            )

    def requeue_undeliverable(self, stream: str) -> None:
        """Put those taken out of the queue back."""
        with self._lock:
            for queued in self._messages.values():
                if queued.message.stream == stream:
                    queued.undeliverable = False


def _is_pending(queued: _QueuedMessage) -> bool:
    return not queued.delivered and not queued.undeliverable
