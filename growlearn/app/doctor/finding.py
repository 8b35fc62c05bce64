"""The finding of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from growlearn.domain.printable import format_reason


class FindingState(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"  # works, or recovers by itself; should be looked at
    ERROR = "error"  # does not work until somebody does something


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line that a check reports, and how to fix it; `check` is the name of its function."""

    check: str
    state: FindingState
    message: str
    hint: str | None = None


def ok_finding(check: str, message: str) -> Finding:
    """There is nothing to do."""
    return Finding(check=check, state=FindingState.OK, message=_one_line(message))


def warning_finding(check: str, message: str, hint: str | None) -> Finding:
    """It works, but somebody should know."""
    return Finding(check=check, state=FindingState.WARNING, message=_one_line(message), hint=hint)


def error_finding(check: str, message: str, hint: str | None) -> Finding:
    """It does not work until somebody does something."""
    return Finding(check=check, state=FindingState.ERROR, message=_one_line(message), hint=hint)


def pluralize(number: int, noun: str) -> str:
    """A number with its noun, in the plural where needed.

    >>> pluralize(1, "window"), pluralize(3, "window")
    ('1 window', '3 windows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _one_line(text: str) -> str:
    return format_reason(" ".join(text.split()))
