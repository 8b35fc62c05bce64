"""Validation shared by the sections of a job file: strict keys, durations, value checks."""

from __future__ import annotations

import re
from typing import Any

from growlearn.domain.printable import quote_name

STRICT: dict[str, Any] = {"extra": "forbid"}  # an unknown key is an error, never ignored
MAX_COUNT = 1_000_000_000
"""The largest number of epochs, rows and the like that a job file may ask for."""
SHA256_PATTERN = re.compile("[0-9a-f]{64}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_MAX_DURATION_LENGTH = 40  # characters
_MAX_DURATION_S = 3650 * 86400
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration_s(text: str) -> float:
    """Seconds of a duration such as 30s, 5m, 1h or 2d.

    >>> parse_duration_s("5m")
    300.0
    """
    match = _DURATION.fullmatch(text.strip()) if len(text) <= _MAX_DURATION_LENGTH else None
    seconds = 0.0 if match is None else float(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= _MAX_DURATION_S:
        raise ValueError(
            f"{quote_name(text)} is not a duration of at most 10 years; write for example 30s, 5m, 1h or 2d"
        )
    return seconds


def require(condition: bool, message: str) -> None:
    """Raise ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)
