from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from growlearn.heartbeat import renewing


def beats(answers: Callable[[int], bool], wanted: int) -> int:
    """How often a lease of 30 ms was renewed until `wanted` times, or until a second was over."""
    count, reached = 0, threading.Event()

    def renew() -> bool:
        nonlocal count
        count += 1
        if count >= wanted:
            reached.set()
        return answers(count)

    with renewing(renew, 0.03, "w1"):
        reached.wait(1)
    return count


def test_a_lease_is_renewed_as_long_as_there_is_work() -> None:
    assert beats(lambda _: True, 5) >= 5


def test_a_lost_lease_is_not_fought_for() -> None:
    assert beats(lambda _: False, 2) == 1


def test_a_database_that_is_away_for_a_moment_is_asked_again() -> None:
    def away_at_first(count: int) -> bool:
        if count < 3:
            raise ConnectionError("no route")
        return True

    assert beats(away_at_first, 4) >= 4


def test_nothing_is_renewed_once_the_work_is_over() -> None:
    calls: list[int] = []

    def renew() -> bool:
        calls.append(1)
        return True

    with pytest.raises(ZeroDivisionError), renewing(renew, 0.03, "w1"):
        raise ZeroDivisionError
    count = len(calls)
    threading.Event().wait(0.1)
    assert len(calls) == count
