"""A caller may send so many requests a second, and twice as many at once."""

from __future__ import annotations

import pytest

from growlearn.app.api.problems import Problem
from growlearn.app.api.rate_limit import RateLimit


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def count_allowed(limit: RateLimit, caller: str, tries: int) -> int:
    allowed = 0
    for _ in range(tries):
        try:
            limit.take(caller)
        except Problem:
            continue
        allowed += 1
    return allowed


def test_a_burst_of_two_seconds_and_then_the_rate() -> None:
    watch = Watch()
    limit = RateLimit(5, watch)
    assert count_allowed(limit, "a", 30) == 10
    with pytest.raises(Problem) as refused:
        limit.take("a")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
    watch.now += 1
    assert count_allowed(limit, "a", 30) == 5
    watch.now += 1000
    assert count_allowed(limit, "a", 30) == 10


def test_callers_have_limits_of_their_own() -> None:
    limit = RateLimit(1, Watch())
    assert [count_allowed(limit, caller, 5) for caller in "ab"] == [2, 2]


@pytest.mark.parametrize("tries", [100])
def test_zero_is_no_limit(tries: int) -> None:
    assert count_allowed(RateLimit(0, Watch()), "a", tries) == tries
