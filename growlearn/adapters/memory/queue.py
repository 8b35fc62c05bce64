"""Messages for the tracker, in memory: the queue of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.domain.stream import Message, PendingMessage, UndeliverableMessage


@dataclass
class _QueuedMessage:
    message: Message
    attempts: int = 0
    delivered: bool = False
    undeliverable: bool = False
    reason: str | None = None


class MessageQueue:
    """Every message ever sent; ids are never reused, so a late delivery cannot affect another message."""

    def __init__(self) -> None:
        self._messages: dict[int, _QueuedMessage] = {}
        self._last_id = 0

    def enqueue(self, message: Message) -> None:
        """Put a message at the end."""
        self._last_id += 1
        self._messages[self._last_id] = _QueuedMessage(message)

    def drop_stream(self, stream: str) -> None:
        """Drop the messages of a stream."""
        self._messages = {
            key: queued for key, queued in self._messages.items() if queued.message.stream != stream
        }

    def list_pending(self, stream: str | None, limit: int) -> Sequence[PendingMessage]:
        """Those not delivered, oldest first."""
        undelivered = [
            PendingMessage(id=key, message=queued.message, attempts=queued.attempts)
            for key, queued in self._messages.items()
            if not queued.delivered and not queued.undeliverable and stream in (None, queued.message.stream)
        ]
        return tuple(undelivered[:limit])

    def mark_delivered(self, message_id: int) -> Message | None:
        """Mark one delivered; None where it is unknown or was delivered before."""
        queued = self._messages.get(message_id)
        if queued is None or queued.delivered:
            return None
        queued.delivered, queued.undeliverable = True, False
        return queued.message

    def mark_delivery_failed(self, message_id: int, reason: str) -> None:
        """Count a failed attempt and keep its reason."""
        queued = self._messages.get(message_id)
        if queued is not None and not queued.delivered:
            queued.attempts += 1
            queued.reason = reason

    def mark_undeliverable(self, message_id: int, reason: str) -> None:
        """Count a failed attempt and take the message out of the queue."""
        self.mark_delivery_failed(message_id, reason)
        queued = self._messages.get(message_id)
        if queued is not None and not queued.delivered:
            queued.undeliverable = True

    def list_undeliverable(self, stream: str) -> Sequence[UndeliverableMessage]:
        """Those taken out of the queue, oldest first."""
        return tuple(
            UndeliverableMessage(message=queued.message, reason=queued.reason or "")
            for queued in self._messages.values()
            if queued.undeliverable and queued.message.stream == stream
        )

    def requeue_undeliverable(self, stream: str) -> None:
        """Put those taken out of the queue back."""
        for queued in self._messages.values():
            if queued.message.stream == stream:
                queued.undeliverable = False
