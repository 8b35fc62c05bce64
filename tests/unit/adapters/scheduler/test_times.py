from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.adapters.scheduler.times import INTERVAL_EPOCH, find_latest_due, next_fire_times
from growlearn.domain.errors import JobError
from growlearn.domain.job import Schedule

NOW = datetime(2025, 11, 24, 4, 0, 30, tzinfo=UTC)
moments = st.floats(86_400, 4e8).map(lambda seconds: INTERVAL_EPOCH + timedelta(seconds=seconds))
schedules = st.sampled_from(
    [
        Schedule(),
        Schedule(every="0.3s"),
        Schedule(every="7m"),
        Schedule(every="2d"),
        Schedule(cron="* * * * *"),
        Schedule(cron="*/7 3 * * 1-5"),
        Schedule(cron="0 3 * * 0"),
        Schedule(cron="30 0 31 * *"),
    ]
)


def test_intervals_are_aligned_so_that_every_scheduler_computes_the_same_times() -> None:
    one, two, three = next_fire_times(Schedule(every="5m"), NOW, 3)
    assert (one.minute, two.minute, three.minute, one.second) == (5, 10, 15, 0)
    assert (one - INTERVAL_EPOCH) % timedelta(minutes=5) == timedelta(0)


def test_a_schedule_that_never_comes_due_is_an_error() -> None:
    with pytest.raises(JobError, match="never comes due"):
        next_fire_times(Schedule(cron="0 0 31 2 *"), NOW, 1)


def test_a_leap_day_comes_due_also_when_it_is_a_given_weekday() -> None:
    (due,) = next_fire_times(Schedule(cron="0 0 29 2 */7"), NOW, 1)
    assert due == datetime(2032, 2, 29, tzinfo=UTC)


def test_a_time_in_another_time_zone_is_converted() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=9)))
    assert next_fire_times(Schedule(cron="30 4 * * *"), now, 1) == (NOW.replace(minute=30, second=0),)
    assert find_latest_due(Schedule(cron="0 4 * * *"), now) == NOW.replace(second=0)


def test_a_time_that_is_due_now_is_the_latest_and_not_the_next() -> None:
    schedule, now = Schedule(cron="0 4 * * *"), NOW.replace(second=0)
    assert next_fire_times(schedule, now, 1) == (now + timedelta(days=1),)
    assert find_latest_due(schedule, now) == now


def test_an_interval_no_poll_can_follow_is_an_error() -> None:
    with pytest.raises(JobError, match="too short"):
        next_fire_times(Schedule(every="0.00000001s"), NOW, 1)


@given(schedule=schedules, now=moments)
def test_next_fire_times_rise_and_lie_after_now(schedule: Schedule, now: datetime) -> None:
    times = next_fire_times(schedule, now, 3)
    assert now < times[0] < times[1] < times[2]
    assert all(at.tzinfo is UTC for at in times)


@given(schedule=schedules, now=moments)
def test_latest_due_is_the_last_of_all_that_were_missed(schedule: Schedule, now: datetime) -> None:
    due = find_latest_due(schedule, now)
    assert due <= now < next_fire_times(schedule, due, 1)[0]
