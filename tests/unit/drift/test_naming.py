from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.drift.naming import next_regime, next_task

NAMES = st.lists(st.one_of(st.from_regex(r"task-[0-9]{1,2}", fullmatch=True), st.text(max_size=6)))


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([], "task-1"),
        (["task-1"], "task-2"),
        (["task-7", "task-2"], "task-8"),
        (["rotated", "task-x", "task-"], "task-1"),
    ],
)
def test_the_next_task_comes_after_the_highest(taken: Sequence[str], name: str) -> None:
    assert next_task(taken) == name


@given(NAMES)
def test_the_next_task_is_never_taken(taken: list[str]) -> None:
    assert next_task(taken) not in taken


@pytest.mark.parametrize(
    ("taken", "name"), [(["a"], "a/2"), (["a", "a/2"], "a/3"), (["a", "a/3"], "a/2"), (["b/2"], "a/2")]
)
def test_the_next_regime_is_the_first_free_one(taken: Sequence[str], name: str) -> None:
    assert next_regime("a", taken) == name
