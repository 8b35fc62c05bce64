"""A task is called again and again until it says no, or until the block ends."""

from __future__ import annotations

import threading

import pytest

from growlearn.pipeline.periodic import repeat_in_thread

LIMIT_S = 30.0


def test_a_task_is_repeated_until_it_is_false() -> None:
    calls: list[int] = []
    ended = threading.Event()

    def task() -> bool:
        calls.append(len(calls))
        if len(calls) == 3:
            ended.set()
        return len(calls) < 3

    with repeat_in_thread(task, 0.001, "counting"):
        assert ended.wait(LIMIT_S)
    assert calls == [0, 1, 2]


def test_the_thread_has_ended_with_the_block_also_where_that_fails() -> None:
    called = threading.Event()

    def task() -> bool:
        called.set()
        return True

    def fail_once_called() -> None:
        with repeat_in_thread(task, 0.001, "until it fails"):
            assert called.wait(LIMIT_S)
            raise RuntimeError("the work failed")

    with pytest.raises(RuntimeError, match="the work failed"):
        fail_once_called()
    assert "until it fails" not in [thread.name for thread in threading.enumerate()]
