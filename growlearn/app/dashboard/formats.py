"""How pages write shares, counts, times and digests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from growlearn.app.cli.progress import format_progress

NOTHING = "\u2013"  # an en dash
_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def format_share(share: float | None) -> str:
    """A share in percent.

    >>> format_share(0.98765), format_share(None) == NOTHING
    ('98.8 %', True)
    """
    return NOTHING if share is None else f"{100 * share:.1f} %"


def format_points(difference: float | None) -> str:
    """A difference of shares in points, with its sign.

    >>> format_points(0.0123), format_points(-0.0001)
    ('+1.2', '0.0')
    """
    if difference is None:
        return NOTHING
    points = round(100 * difference, 1)
    return "0.0" if points == 0 else f"{points:+.1f}"


def format_count(number: int | None) -> str:
    """A whole number with its thousands apart."""
    return NOTHING if number is None else f"{number:,}"


def format_amount(number: int, noun: str, plural: str = "") -> str:
    """How many of something.

    >>> format_amount(1, "task"), format_amount(2, "branch", "branches")
    ('1 task', '2 branches')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def format_number(number: float | None) -> str:
    """A number with three digits, or all before the point; what is not finite has none.

    >>> format_number(0.000012345), format_number(80_106.0), format_number(float("nan")) == NOTHING
    ('1.23e-05', '80,106', True)
    """
    if number is None or not math.isfinite(number):
        return NOTHING
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def format_time(at: datetime | None) -> str:
    """A time in UTC, to the minute."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def format_age(at: datetime | None, now: datetime) -> str:
    """How long ago something was, in its largest unit.

    >>> start = datetime(2026, 1, 1, tzinfo=UTC)
    >>> format_age(start, datetime(2026, 1, 1, 0, 5, 30, tzinfo=UTC)), format_age(start, start)
    ('5 min ago', 'now')
    """
    if at is None:
        return "never"
    seconds = int((now - at).total_seconds())
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "now"


def shorten_digest(digest: str | None) -> str:
    """The first twelve hex digits."""
    return NOTHING if digest is None else digest[:12]


def make_slug(text: str) -> str:
    """A word for a CSS class.

    >>> make_slug("new task")
    'new-task'
    """
    return text.replace(" ", "-").replace("_", "-")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "percent": format_share,
    "points": format_points,
    "count": format_count,
    "amount": format_amount,
    "number": format_number,
    "time": format_time,
    "age": format_age,
    "progress": format_progress,
    "digest": shorten_digest,
    "slug": make_slug,
    "words": lambda text: text.replace("_", " "),
}
"""By the names that templates use."""
