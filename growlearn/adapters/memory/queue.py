"""Messages for the tracker, in memory: the queue that a store keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.domain.stream import Message, PendingMessage


@dataclass
class _Sent:
    message: Message
    attempts: int = 0
    delivered: bool = False
    reason: str | None = None


class Queue:
    """Every message ever sent; ids are never used twice, so a late receipt cannot hit another's."""

    def __init__(self) -> None:
        self._sent: dict[int, _Sent] = {}
        self._last = 0

    def send(self, message: Message) -> None:
        """Put a message at the end."""
        self._last += 1
        self._sent[self._last] = _Sent(message)

    def forget(self, stream: str) -> None:
        """Drop the messages of a stream."""
        self._sent = {key: sent for key, sent in self._sent.items() if sent.message.stream != stream}

    def pending(self, stream: str | None, limit: int) -> Sequence[PendingMessage]:
        """Those not delivered, oldest first."""
        waiting = [
            PendingMessage(id=key, message=sent.message, attempts=sent.attempts)
            for key, sent in self._sent.items()
            if not sent.delivered and stream in (None, sent.message.stream)
        ]
        return tuple(waiting[:limit])

    def delivered(self, message_id: int) -> Message | None:
        """Mark one delivered; None where it is gone or was delivered before."""
        sent = self._sent.get(message_id)
        if sent is None or sent.delivered:
            return None
        sent.delivered = True
        return sent.message

    def undelivered(self, message_id: int, reason: str) -> None:
        """Count a failed attempt and keep its reason."""
        sent = self._sent.get(message_id)
        if sent is not None and not sent.delivered:
            sent.attempts += 1
            sent.reason = reason
