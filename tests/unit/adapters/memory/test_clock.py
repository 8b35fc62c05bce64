from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from growlearn.adapters.memory.clock import ManualClock, SystemClock


def test_the_system_clock_tells_aware_utc_and_does_not_go_back() -> None:
    clock = SystemClock()
    before = datetime.now(UTC)

    times = [clock.now() for _ in range(10)]

    assert [before, *times] == sorted([before, *times])
    assert all(time.utcoffset() == timedelta(0) for time in times)


def test_a_manual_clock_stands_still_until_advanced() -> None:
    start = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    clock = ManualClock(start)

    assert clock.now() == clock.now() == start
    assert clock.now().utcoffset() == timedelta(0)

    clock.advance(0.5)
    clock.advance(0)
    assert clock.now() == start + timedelta(milliseconds=500)


def test_a_manual_clock_does_not_go_back() -> None:
    clock = ManualClock()

    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)
