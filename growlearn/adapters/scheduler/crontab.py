"""Due times of a five-field crontab line in UTC, as cronsim computes them after Debian's cron.

So a line fires when either day of month or weekday matches if both are restricted (crontab(5)).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from growlearn.domain.errors import JobError

_FIELDS = "minute hour day month weekday"
_CRONSIM_FIELDS = ("Bad minute", "Bad hour", "Bad day-of-month", "Bad month", "Bad day-of-week")
_WEEKDAY_HINT = "weekdays are 0-7 (0 and 7 are Sunday) or sun, mon, tue, wed, thu, fri, sat"


def iterate_due_times(line: str, moment: datetime, *, reverse: bool = False) -> CronSim:
    """The due times after `moment`, or those before it from the latest on, all of them in UTC.

    Raises JobError for an invalid line, and for one that never comes due (31 February).

    >>> next(iterate_due_times("0 3 * * fri-sun", datetime(2025, 11, 24, tzinfo=UTC))).isoformat()
    '2025-11-28T03:00:00+00:00'
    """
    fields = line.split()
    if len(fields) != 5:
        raise JobError(f"cron {line!r} does not have five fields", hint=_FIELDS)
    try:
        return _parse(fields, moment, reverse)
    except CronSimError as error:
        raise _explain(line, fields, moment, str(error)) from error


def _parse(fields: list[str], moment: datetime, reverse: bool = False) -> CronSim:
    return CronSim(_normalize(fields), moment.astimezone(UTC), reverse=reverse)


def _normalize(fields: list[str]) -> str:
    """The line in terms that cronsim reads as this project does.

    In cronsim `5-5/2` starts at 5 and goes on, no range of weekdays ends on a Sunday that is not 7, and a
    weekday `1/2` goes up to 7, which is Sunday again.

    >>> _normalize(["5-5/2", "*", "*", "*", "fri-SUN,1/2,6/1"])
    '5 * * * fri-7,1-6/2,6'
    """
    others, weekday = " ".join(fields).lower().rsplit(" ", 1)
    weekday = re.sub(r"\b(?!sun|0)(\w+)-(?:sun|0)\b", r"\1-7", weekday)
    weekday = re.sub(r"(?<![-\w])(?!7)(\w+)/", r"\1-6/", weekday)
    return re.sub(r"\b(\w+)-\1/0*[1-9]\d*\b", r"\1", f"{others} {weekday}")


def _explain(line: str, fields: list[str], moment: datetime, message: str) -> JobError:
    index = _CRONSIM_FIELDS.index(message)
    name, field = _FIELDS.split()[index], fields[index]
    if name == "day" and _is_valid([*fields[:3], "*", fields[4]], moment):
        return JobError(f"cron {line!r} never comes due", hint="check its day and month fields")
    hint = _WEEKDAY_HINT if name == "weekday" else _FIELDS
    return JobError(f"cron {line!r}: {field!r} is not a valid {name}", hint=hint)


def _is_valid(fields: list[str], moment: datetime) -> bool:
    try:
        _parse(fields, moment)
    except CronSimError:
        return False
    return True
