"""A five-field crontab line in UTC as an APScheduler trigger that means what cron means.

Two things differ in APScheduler 3.11 and are mended here. It reads numeric weekdays one day off
(0 is Monday there, Sunday in cron; `CronTrigger.from_crontab("0 3 * * 0")` fires on Monday), so
weekdays are handed over by name. And it wants day of month and weekday both to match, where cron
fires when either does if both are restricted (crontab(5)).
"""

from __future__ import annotations

from datetime import UTC

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from growlearn.domain.errors import JobError

_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY_CURE = "weekdays are 0-7 (0 and 7 are Sunday) or sun, mon, tue, wed, thu, fri, sat"


def cron_trigger(line: str) -> BaseTrigger:
    """The trigger of `minute hour day month weekday`; raises JobError naming the line."""
    fields = line.split()
    if len(fields) != 5:
        raise JobError(f"cron {line!r} does not have five fields", cure="minute hour day month weekday")
    minute, hour, day, month, weekday = fields
    names = weekday_names(weekday)

    def build(day: str, names: str) -> CronTrigger:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month.lower(), day_of_week=names, timezone=UTC
        )

    try:
        if day.startswith("*") or weekday.startswith("*"):
            return build(day, names)
        return OrTrigger([build(day, "*"), build("*", names)])
    except (ValueError, TypeError) as error:
        raise JobError(f"cron {line!r}: {error}", cure="minute hour day month weekday") from error


def weekday_names(field: str) -> str:
    """A crontab weekday field as names, which no reader can shift by a day.

    >>> weekday_names("0"), weekday_names("7"), weekday_names("5-7"), weekday_names("*/3")
    ('sun', 'sun', 'sun,fri,sat', 'sun,wed,sat')
    """
    if field == "*":
        return "*"
    days = {day % 7 for part in field.lower().split(",") for day in _days(part, field)}
    return ",".join(name for day, name in enumerate(_NAMES) if day in days)


def _days(part: str, field: str) -> range:
    span, slash, step_text = part.partition("/")
    if slash and not (step_text.isdecimal() and int(step_text) >= 1):
        raise JobError(f"cron weekday {field!r}: step {step_text!r} is not 1 or more", cure=_WEEKDAY_CURE)
    step = int(step_text) if slash else 1
    if span == "*":
        return range(0, 7, step)
    first_text, dash, last_text = span.partition("-")
    first = _day(first_text, field)
    last = _day(last_text, field) if dash else (max(first, 6) if slash else first)
    if dash and last < first and last == 0:
        last = 7  # fri-sun
    if last < first:
        raise JobError(f"cron weekday {field!r}: {span} runs backwards", cure=_WEEKDAY_CURE)
    return range(first, last + 1, step)


def _day(text: str, field: str) -> int:
    if text in _NAMES:
        return _NAMES.index(text)
    if text.isdecimal() and int(text) <= 7:
        return int(text)
    raise JobError(f"cron weekday {field!r}: {text!r} is no weekday", cure=_WEEKDAY_CURE)
