"""How many requests a caller may send: a token bucket each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from math import ceil

from growlearn.app.api.problems import Problem

_BURST_S = 2.0  # what a caller may send at once: as much as in so many seconds
_MAX_CALLERS = 10_000


class RateLimit:
    """At most `per_s` requests a second of one caller over time, and twice as many at once; 0: no limit."""

    def __init__(self, per_s: float, monotonic: Callable[[], float]) -> None:
        self._per_s = per_s
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and since when

    def take(self, caller: str) -> None:
        """Count one request; raises Problem (429) where there were too many."""
        if not self._per_s:
            return
        now, size = self._monotonic(), max(1.0, self._per_s * _BURST_S)
        tokens, since = self._buckets.pop(caller, (size, now))
        tokens = min(size, tokens + (now - since) * self._per_s)
        is_allowed = tokens >= 1
        self._buckets[caller] = (tokens - 1 if is_allowed else tokens, now)
        while len(self._buckets) > _MAX_CALLERS:
            self._buckets.popitem(last=False)
        if not is_allowed:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"more than {self._per_s:g} requests a second",
                "send fewer, with more rows each; the limit is GROWLEARN_API_REQUESTS_PER_S",
                headers={"Retry-After": str(ceil((1 - tokens) / self._per_s))},
            )
