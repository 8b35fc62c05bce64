"""Alerts on their way to a webhook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from growlearn.domain.alert import Alert, PendingAlert


class AlertQueue(Protocol):
    """The alerts that the store records with each change, until they are sent. Harmless for unknown ids."""

    def add(self, alert: Alert, unless_since: datetime) -> bool:
        """Record an alert that no other change brings.

        False, and nothing written, where the stream has one of the kind that is not older than
        `unless_since`, or is deleted.
        """
        ...

    def pending(self, since: datetime) -> Sequence[PendingAlert]:
        """Those not sent yet that are not older than `since`, oldest first."""
        ...

    def claim(self, ids: Sequence[int], now: datetime, lease_s: float) -> bool:
        """True for the one process that may send them all; False where any is claimed, sent or gone."""
        ...

    def record_sent(self, ids: Sequence[int], at: datetime) -> None:
        """Mark them sent."""
        ...

    def record_failure(self, ids: Sequence[int], reason: str, at: datetime) -> None:
        """Count a failed attempt at each, and give them free again."""
        ...

    def prune(self, before: datetime) -> None:
        """Forget those that are older."""
        ...
