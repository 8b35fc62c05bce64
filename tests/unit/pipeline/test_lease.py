from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from growlearn.pipeline.lease import renew_periodically


def count_renewals(replies: Callable[[int], bool], wanted: int) -> int:
    """How often a lease of 30 ms was renewed until `wanted` times, or until a second was over."""
    count, reached = 0, threading.Event()

    def renew() -> bool:
        nonlocal count
        count += 1
        if count >= wanted:
            reached.set()
        return replies(count)

    with renew_periodically(renew, 0.03, "w1"):
        reached.wait(1)
    return count


def test_a_lease_is_renewed_as_long_as_there_is_work() -> None:
    assert count_renewals(lambda _: True, 5) >= 5


def test_a_lost_lease_is_not_renewed_again() -> None:
    assert count_renewals(lambda _: False, 2) == 1


def test_an_unreachable_database_is_tried_again() -> None:
    def unreachable_at_first(count: int) -> bool:
        if count < 3:
            raise ConnectionError("no route")
        return True

    assert count_renewals(unreachable_at_first, 4) >= 4


def test_nothing_is_renewed_once_the_work_is_over() -> None:
    calls: list[int] = []

    def renew() -> bool:
        calls.append(1)
        return True

    with pytest.raises(ZeroDivisionError), renew_periodically(renew, 0.03, "w1"):
        raise ZeroDivisionError
    count = len(calls)
    threading.Event().wait(0.1)
    assert len(calls) == count
