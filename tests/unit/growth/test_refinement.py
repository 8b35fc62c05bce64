"""When new rows are worth a training, and how they join those of the task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.errors import TooFewLabels
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFiles, HoldoutFraction, Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.refinement import (
    is_large_share,
    merge_rows,
    required_new_rows,
    split_new_rows,
)
from growlearn.ingest.holdout import Holdout
from growlearn.ingest.rows import Rows, object_column

JOB = Job(
    name="s",
    source=SourceConfig(url="u"),
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
    growth=GrowthConfig(min_rows=20),
    holdout=HoldoutFraction(fraction=0.2),
)


def rows_of(labels: list[int | None], first: int = 0) -> Rows:
    numbers = np.arange(first, first + len(labels))
    hashes = np.random.default_rng(7).integers(0, 2**64, 10_000, dtype=np.uint64)[numbers]
    return Rows({"x": numbers.astype(np.float64)}, object_column(labels), None, hashes)


def no_files(_: type | None) -> Holdout:
    raise AssertionError("the job names no hold-out files")


NOTHING = rows_of([]).take(np.array([], dtype=int))


@given(st.integers(1, 5000), st.lists(st.integers(1, 10**6), max_size=4))
def test_a_failure_is_followed_by_twice_the_rows_and_every_window_asks_for_the_least_alone(
    min_rows: int, failed: list[int]
) -> None:
    required = required_new_rows(RefineConfig(min_rows=min_rows), failed)
    assert required == max([min_rows, *(2 * rows for rows in failed[-1:])])
    every = RefineConfig(when="every_window", min_rows=min_rows)
    assert required_new_rows(every, failed) == min_rows


@given(st.integers(100, 10_000), st.integers(20, 400))
def test_trainings_grow_with_the_logarithm_of_equal_windows(rows: int, windows: int) -> None:
    """So many windows of equal rows, each refinement kept: five at first, then one for a fifth more rows."""
    learned, pending, trainings = rows, 0, 0
    for _ in range(windows):
        pending += rows
        if is_large_share(pending, learned):
            learned, pending, trainings = learned + pending, 0, trainings + 1
    assert trainings <= 6 + np.log(windows) / np.log(1.2)


def test_new_rows_are_split_and_other_labels_left_out() -> None:
    labels = [number % 4 if number % 10 else None for number in range(500)]
    split = split_new_rows(JOB, rows_of(labels), (0, 1, 2), NOTHING.row_hashes, no_files)
    parts = (split.train, split.validation, split.holdout)
    assert {label for part in parts for label in part.labels} == {0, 1, 2}
    assert sum(map(len, parts)) == sum(label in (0, 1, 2) for label in labels)
    assert min(map(len, parts)) > 0


def test_a_row_with_the_inputs_of_a_reference_row_is_not_trained_on() -> None:
    rows = rows_of([number % 2 for number in range(400)])
    whole = split_new_rows(JOB, rows, (0, 1), NOTHING.row_hashes, no_files)
    reference = whole.train.take(np.arange(40))
    split = split_new_rows(JOB, rows, (0, 1), reference.row_hashes, no_files)
    assert len(split.train) == len(whole.train) - 40
    assert not np.isin(split.train.row_hashes, reference.row_hashes).any()
    assert (len(split.validation), len(split.holdout)) == (len(whole.validation), len(whole.holdout))


def test_rows_of_hold_out_files_are_neither_trained_on_nor_held_out_twice() -> None:
    rows = rows_of([number % 2 for number in range(400)])
    held = rows.take(np.arange(100))
    job = replace(JOB, holdout=HoldoutFiles(url="h"), schema=replace(JOB.schema, task="task"))
    split = split_new_rows(job, rows, (0, 1), NOTHING.row_hashes, lambda _: Holdout(held, held.row_hashes))
    assert (len(split.holdout), len(split.train) + len(split.validation)) == (0, 300)
    assert not np.isin(split.train.row_hashes, held.row_hashes).any()


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([0, 1] * 8, "new labelled rows left to train on"),
        ([1] * 200, "every new row has the label 1"),
        ([None] * 200, "only 0 new labelled rows left"),
    ],
)
def test_rows_that_cannot_be_trained_on_are_refused(labels: list[int | None], reason: str) -> None:
    with pytest.raises(TooFewLabels, match=reason):
        split_new_rows(JOB, rows_of(labels), (0, 1), NOTHING.row_hashes, no_files)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 80))
def test_merged_rows_are_bounded_and_a_sample_of_both(earlier: int, new: int, most: int) -> None:
    first, second = rows_of([0] * earlier), rows_of([1] * new, first=earlier)
    merged, num_earlier = merge_rows(first, second, most)
    assert list(merged.labels) == [0] * num_earlier + [1] * (len(merged) - num_earlier)
    assert len(merged) == min(most, earlier + new)
    everything = np.concatenate([first.row_hashes, second.row_hashes])
    assert sorted(merged.row_hashes) == sorted(everything)[: len(merged)]


def test_a_sample_of_a_sample_is_one_of_all() -> None:
    parts = [rows_of([label] * 50, first=50 * label) for label in range(4)]
    merged = parts[0]
    for part in parts[1:]:
        merged, _ = merge_rows(merged, part, 60)
    everything = np.sort(np.concatenate([part.row_hashes for part in parts]))
    assert np.array_equal(np.sort(merged.row_hashes), everything[:60])
