"""The time of day: the system's, or one that only moves when advanced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """Now, as an aware UTC datetime."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when advanced.

    >>> clock = ManualClock()
    >>> clock.advance(90)
    >>> clock.now().isoformat()
    '2026-01-01T00:01:30+00:00'
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The current time of this clock, aware UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by so many seconds; ValueError for a negative number."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back ({seconds} s)")
        self._now += timedelta(seconds=seconds)
