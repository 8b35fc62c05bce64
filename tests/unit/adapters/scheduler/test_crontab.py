from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.adapters.scheduler.crontab import iterate_due_times
from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.domain.errors import JobError
from growlearn.domain.job import Schedule

MONDAY = datetime(2025, 11, 24, 4, 0, tzinfo=UTC)
NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def first(cron: str, now: datetime = MONDAY) -> datetime:
    return next_fire_times(Schedule(cron=cron), now, 1)[0]


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN", "Sun"])
def test_every_name_of_sunday_fires_on_sunday(sunday: str) -> None:
    assert first(f"0 3 * * {sunday}") == datetime(2025, 11, 30, 3, 0, tzinfo=UTC)


def fire_weekdays(field: str) -> set[str]:
    """The names of the weekdays on which the field fires."""
    times = next_fire_times(Schedule(cron=f"0 3 * * {field}"), MONDAY, 7)
    return {NAMES[at.isoweekday() % 7] for at in times if at - MONDAY < timedelta(days=7)}


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("1-5", "mon,tue,wed,thu,fri"),
        ("mon-fri", "mon,tue,wed,thu,fri"),
        ("5-7", "sun,fri,sat"),
        ("fri-sun", "sun,fri,sat"),
        ("6-0", "sun,sat"),
        ("0-0", "sun"),
        ("0,3", "sun,wed"),
        ("*/2", "sun,tue,thu,sat"),
        ("*/3", "sun,wed,sat"),
        ("1-5/2", "mon,wed,fri"),
        ("2/2", "tue,thu,sat"),
        ("mon/2", "mon,wed,fri"),
        ("7/2", "sun"),
        ("0-7", "sun,mon,tue,wed,thu,fri,sat"),
        ("*", "sun,mon,tue,wed,thu,fri,sat"),
    ],
)
def test_ranges_lists_and_steps_mean_what_cron_means(field: str, names: str) -> None:
    assert fire_weekdays(field) == set(names.split(","))


@pytest.mark.parametrize("field", ["8", "-1", "1-", "5-2", "mo", "1/0", "*/x", ",", "sat-mon"])
def test_an_impossible_weekday_is_refused(field: str) -> None:
    with pytest.raises(JobError) as caught:
        first(f"0 3 * * {field}")
    assert caught.value.message == f"cron '0 3 * * {field}': {field!r} is not a valid weekday"
    assert caught.value.hint == "weekdays are 0-7 (0 and 7 are Sunday) or sun, mon, tue, wed, thu, fri, sat"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("61 0 * * *", ": '61' is not a valid minute"),
        ("0 24 * * *", ": '24' is not a valid hour"),
        ("0 0 0 * *", ": '0' is not a valid day"),
        ("0 0 32 2 *", ": '32' is not a valid day"),
        ("0 0 * 13 *", ": '13' is not a valid month"),
        ("a b c d 0", ": 'a' is not a valid minute"),
        ("0 0 *", " does not have five fields"),
        ("0 0 0 * * *", " does not have five fields"),
        ("", " does not have five fields"),
        ("0 0 31 2,4 *", " never comes due"),
    ],
)
def test_an_impossible_line_is_refused_by_name(line: str, problem: str) -> None:
    with pytest.raises(JobError) as caught:
        next(iterate_due_times(line, MONDAY))
    assert caught.value.message == f"cron {line!r}{problem}"


def test_day_and_weekday_both_restricted_fire_when_either_matches() -> None:
    days = [time.date().isoformat() for time in next_fire_times(Schedule(cron="0 3 13 * 5"), MONDAY, 4)]
    assert days == ["2025-11-28", "2025-12-05", "2025-12-12", "2025-12-13"]


def in_weekday_field(field: str, weekday: int) -> bool:
    """Crontab's rule, naively: is this weekday (0 = Sunday) named by the field?"""
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        bounds = (
            (0, 6)
            if span == "*"
            else (
                int(low),
                int(high) if high else (max(int(low), 6) if step else int(low)),
            )
        )
        for day in range(bounds[0], bounds[1] + 1, int(step or 1)):
            if day % 7 == weekday:
                return True
    return False


spans = st.one_of(
    st.just("*"),
    st.integers(0, 7).map(str),
    st.tuples(st.integers(0, 7), st.integers(0, 7)).map(lambda ab: f"{min(ab)}-{max(ab)}"),
)
parts = st.tuples(spans, st.sampled_from(["", "/1", "/2", "/3", "/7"])).map("".join)
fields = st.lists(parts, min_size=1, max_size=3).map(",".join)
moments = st.integers(0, 7_000_000).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(field=fields, now=moments, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_numeric_weekdays_fire_on_the_days_a_naive_reading_finds(
    field: str, now: datetime, hour: int, minute: int
) -> None:
    expected = next(
        at
        for at in (
            datetime(now.year, now.month, now.day, hour, minute, tzinfo=UTC) + timedelta(days=d)
            for d in range(9)
        )
        if at > now and in_weekday_field(field, at.isoweekday() % 7)
    )
    assert first(f"{minute} {hour} * * {field}", now) == expected


@given(field=fields)
def test_the_weekdays_are_those_that_a_naive_reading_finds(field: str) -> None:
    assert fire_weekdays(field) == {NAMES[day] for day in range(7) if in_weekday_field(field, day)}
