from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from growlearn.growth.kinship import assign, circles_of, pick
from growlearn.growth.model.network import load_network


def test_a_column_that_serves_those_left_over_is_picked_over_one_that_is_second_best_at_all() -> None:
    scores = np.array([[0.9, 0.8, 0.5], [0.9, 0.8, 0.5], [0.5, 0.6, 0.9]])
    assert pick(scores, 2) == [0, 2]


def test_no_more_columns_are_picked_than_there_are() -> None:
    assert sorted(pick(np.ones((3, 2)), 5)) == [0, 1]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**31))
def test_every_row_has_a_column_and_no_column_more_than_its_share(rows: int, columns: int, seed: int) -> None:
    taken = assign(np.random.default_rng(seed).random((rows, columns)))
    assert len(taken) == rows
    assert set(taken) <= set(range(columns))
    assert max(taken.count(column) for column in range(columns)) <= -(-rows // columns)


def test_tasks_that_are_alike_share_a_circle(nursery: Any) -> None:
    tasks = [(0, 1), (2, 7), (0, 1), (2, 7)]
    for labels in tasks:
        nursery.keep(
            nursery.plan(nursery.only(*labels), parent=None if not nursery.manifest.tasks else "task-1")
        )
    rows = {f"task-{i}": nursery.only(*labels) for i, labels in enumerate(tasks, 1)}
    network = load_network(nursery.manifest, nursery.artifacts.get)
    circles = circles_of(network, nursery.manifest.tasks, rows, 2)
    assert sorted(task for circle in circles for task in circle.tasks) == sorted(rows)
    assert {circle.branch for circle in circles} <= {"b1", "b2", "b3", "b4"}
    assert len(circles_of(network, nursery.manifest.tasks, rows, 1)) == 1
