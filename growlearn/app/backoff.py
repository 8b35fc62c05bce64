"""Waiting longer after each further try that did not succeed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_MAX_DOUBLINGS = 20  # a larger exponent would overflow a float


@dataclass(frozen=True)
class Backoff:
    """Something that is not tried before `until`, after `num_tries` tries in a row that failed."""

    num_tries: int
    until: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether it may be tried again."""
        return now >= self.until


def back_off(before: Backoff | None, now: datetime, first_s: float, max_s: float) -> Backoff:
    """Wait `first_s` seconds after a first failure, twice as long after each further one, `max_s` at most."""
    num_tries = 1 if before is None else before.num_tries + 1
    seconds = min(first_s * 2 ** min(num_tries - 1, _MAX_DOUBLINGS), max_s)
    return Backoff(num_tries, now + timedelta(seconds=seconds))
