"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands with what was looked at."""

    OK = "ok"
    WARNING = "warning"  # works, or mends itself; worth a look
    WRONG = "wrong"  # does not work until somebody does something


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of what a check found, and what to do about it; `check` is the name of its function."""

    check: str
    state: State
    found: str
    cure: str | None = None


def ok(check: str, found: str) -> Finding:
    """Nothing is to be done."""
    return Finding(check=check, state=State.OK, found=_one_line(found))


def warning(check: str, found: str, cure: str | None) -> Finding:
    """It works, but somebody should know."""
    return Finding(check=check, state=State.WARNING, found=_one_line(found), cure=cure)


def wrong(check: str, found: str, cure: str | None) -> Finding:
    """It does not work until somebody does something."""
    return Finding(check=check, state=State.WRONG, found=_one_line(found), cure=cure)


def counted(number: int, what: str) -> str:
    """A number of things in words.

    >>> counted(1, "window"), counted(3, "window")
    ('1 window', '3 windows')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _one_line(text: str) -> str:
    return " ".join(text.split())
