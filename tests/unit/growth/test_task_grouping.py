from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from growlearn.growth.task_grouping import balanced_assignment, greedy_cover, group_tasks
from growlearn.network.model.network import load_network


def test_a_column_that_covers_the_remaining_rows_is_selected_before_the_second_best_overall() -> None:
    scores = np.array([[0.9, 0.8, 0.5], [0.9, 0.8, 0.5], [0.5, 0.6, 0.9]])
    assert greedy_cover(scores, 2) == [0, 2]


def test_no_more_columns_are_selected_than_there_are() -> None:
    assert sorted(greedy_cover(np.ones((3, 2)), 5)) == [0, 1]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**31))
def test_every_row_has_a_column_and_columns_have_about_equally_many(
    rows: int, columns: int, seed: int
) -> None:
    assigned = balanced_assignment(np.random.default_rng(seed).random((rows, columns)))
    assert len(assigned) == rows
    assert set(assigned) <= set(range(columns))
    assert max(assigned.count(column) for column in range(columns)) <= -(-rows // columns)


def test_similar_tasks_share_a_group(builder: Any) -> None:
    tasks = [(0, 1), (2, 7), (0, 1), (2, 7)]
    for labels in tasks:
        builder.keep(
            builder.plan(builder.only(*labels), parent=None if not builder.manifest.tasks else "task-1")
        )
    rows = {f"task-{i}": builder.only(*labels) for i, labels in enumerate(tasks, 1)}
    network = load_network(builder.manifest, builder.artifacts.get)
    groups = group_tasks(network, builder.manifest.tasks, rows, 2)
    assert sorted(task for group in groups for task in group.tasks) == sorted(rows)
    assert {group.branch for group in groups} <= {"b1", "b2", "b3", "b4"}
    assert len(group_tasks(network, builder.manifest.tasks, rows, 1)) == 1
