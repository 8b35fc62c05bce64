"""The rows that a stream retains."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.job import RetainPerClass
from growlearn.growth.replay_buffer import select_replay_rows
from growlearn.ingest.rows import Rows, object_column


def rows_of(labels: list[int]) -> Rows:
    n = len(labels)
    keys = np.random.default_rng(n).permutation(n).astype(np.uint64)
    return Rows({"x": np.arange(n, dtype=np.float64)}, object_column(labels), None, keys)


def test_none_and_all() -> None:
    rows = rows_of([0, 1, 1])
    assert select_replay_rows(rows, "none") is None
    assert select_replay_rows(rows, "all") is rows


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 20))
def test_at_limit_so_many_of_each_class_and_no_fewer_than_there_are(labels: list[int], limit: int) -> None:
    kept = select_replay_rows(rows_of(labels), RetainPerClass(per_class=limit))
    assert kept is not None
    assert Counter(kept.labels) == {label: min(limit, count) for label, count in Counter(labels).items()}


@given(st.permutations(range(30)), st.integers(1, 9))
def test_the_same_rows_are_kept_in_whatever_order_they_come(order: list[int], limit: int) -> None:
    rows = rows_of([at % 3 for at in range(30)])
    kept = select_replay_rows(rows, RetainPerClass(per_class=limit))
    again = select_replay_rows(rows.take(np.array(order)), RetainPerClass(per_class=limit))
    assert kept is not None
    assert again is not None
    assert sorted(kept.row_hashes) == sorted(again.row_hashes)


def test_copies_are_as_frequent_among_the_kept_rows_as_among_all() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 1010, dtype=np.uint64)
    rows = Rows(
        {"x": np.concatenate([np.zeros(1000), np.ones(1000)])},
        object_column([0] * 2000),
        None,
        np.concatenate([hashes[:1000], np.repeat(hashes[1000:], 100)]),
    )
    kept = select_replay_rows(rows, RetainPerClass(per_class=400))
    assert kept is not None
    assert 0.4 < kept.inputs["x"].mean() < 0.6
