from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.drift.task_names import next_task_name, next_task_version_name

NAMES = st.lists(st.one_of(st.from_regex(r"task-[0-9]{1,2}", fullmatch=True), st.text(max_size=6)))


@pytest.mark.parametrize(
    ("used_names", "name"),
    [
        ([], "task-1"),
        (["task-1"], "task-2"),
        (["task-7", "task-2"], "task-8"),
        (["rotated", "task-x", "task-"], "task-1"),
    ],
)
def test_the_next_task_comes_after_the_highest(used_names: Sequence[str], name: str) -> None:
    assert next_task_name(used_names) == name


@given(NAMES)
def test_the_next_task_name_is_never_used(used_names: list[str]) -> None:
    assert next_task_name(used_names) not in used_names


@pytest.mark.parametrize(
    ("used_names", "name"), [(["a"], "a/2"), (["a", "a/2"], "a/3"), (["a", "a/3"], "a/2"), (["b/2"], "a/2")]
)
def test_the_next_version_is_the_first_free_one(used_names: Sequence[str], name: str) -> None:
    assert next_task_version_name("a", used_names) == name
