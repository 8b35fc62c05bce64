"""Messages on their way to the tracker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from growlearn.domain.stream import Message, PendingMessage, TrackerIds, UndeliverableMessage


class Outbox(Protocol):
    """The messages that the store records with each change, until they are delivered.

    Every method is one transaction.
    """

    def enqueue(self, messages: Sequence[Message]) -> None:
        """Queue messages without any other change; raises NotFound for an unknown stream."""
        ...

    def pending(self, stream: str | None = None, limit: int = 100) -> Sequence[PendingMessage]:
        """Undelivered messages, oldest first."""
        ...

    def streams(self) -> Sequence[str]:
        """The streams that have undelivered messages, by name."""
        ...

    def claim(self, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
        """True for the one worker that may deliver a stream's messages; another call renews its lease."""
        ...

    def release(self, stream: str, worker: str) -> None:
        """Release that lease; harmless where it is not held."""
        ...

    def record_delivery(self, message_id: int, tracker_ids: TrackerIds, at: datetime) -> None:
        """Mark a message delivered; its window's version, if there is one, keeps the tracker ids."""
        ...

    def record_failure(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed delivery and store its reason."""
        ...

    def record_undeliverable(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed delivery, and take the message out of the queue: it can never be delivered."""
        ...

    def undeliverable(self, stream: str) -> Sequence[UndeliverableMessage]:
        """The messages taken out of the queue undelivered, oldest first."""
        ...

    def requeue_undeliverable(self, stream: str) -> None:
        """Put them back into the queue, each in its old place."""
        ...
