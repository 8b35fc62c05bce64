"""The split of a window's rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.errors import CannotGrow, TooFewLabels
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFiles, Job, SourceConfig
from growlearn.domain.metric import MetricName
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.growth.plan import SplitData, split_window
from growlearn.ingest.holdout import Holdout
from growlearn.ingest.labels import count_label_rows
from growlearn.ingest.rows import Rows, hash_rows, object_column, split_rows

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
JOB = Job(name="s", source=SourceConfig(url="data"), schema=SCHEMA)
TASKED = replace(JOB, schema=replace(SCHEMA, task="task"), holdout=HoldoutFiles(url="test"))


def rows_of(values: range, labels: tuple[Label | None, ...] = (0, 1)) -> Rows:
    inputs = {"x": np.array(values, dtype=np.float64)}
    return Rows(
        inputs, object_column([labels[i % len(labels)] for i in values]), None, hash_rows(inputs, SCHEMA)
    )


def never(_: type | None) -> Holdout:
    raise AssertionError("the job names no hold-out files")


def all_of(rows: Rows) -> Holdout:
    return Holdout(rows, rows.row_hashes)


def sizes(data: SplitData) -> tuple[int, int, int]:
    return len(data.split.train), len(data.split.validation), len(data.split.holdout)


def test_three_parts_share_no_row_and_leave_none_out() -> None:
    data = split_window(JOB, rows_of(range(1000)), never)
    parts = [data.split.train, data.split.validation, data.split.holdout]
    assert sum(sizes(data)) == 1000
    assert sorted(np.concatenate([part.inputs["x"] for part in parts])) == list(range(1000))


def test_a_small_window_without_a_task_column_keeps_enough_reference_rows() -> None:
    few = split_window(JOB, rows_of(range(120)), never)
    assert len(few.split.validation) == JOB.drift.min_rows
    by_column = split_window(replace(JOB, schema=replace(SCHEMA, task="task")), rows_of(range(120)), never)
    assert len(by_column.split.validation) < JOB.drift.min_rows
    assert (few.split.holdout.row_hashes == by_column.split.holdout.row_hashes).all()


def test_a_window_too_small_for_reference_rows_cannot_be_planned() -> None:
    job = replace(JOB, growth=GrowthConfig(min_rows=1), drift=DriftConfig(min_rows=30))
    with pytest.raises(CannotGrow, match=r"left to train on|left as drift reference"):
        split_window(job, rows_of(range(25)), never)


def test_hold_out_rows_are_neither_training_nor_validation_rows() -> None:
    holdout = rows_of(range(40, 80))
    data = split_window(TASKED, rows_of(range(400)), lambda _: all_of(holdout))
    used = np.concatenate([data.split.train.row_hashes, data.split.validation.row_hashes])
    assert not np.isin(used, holdout.row_hashes).any()
    assert sizes(data)[0] + sizes(data)[1] == 360
    assert len(data.split.holdout) == 40


def test_another_task_s_hold_out_rows_are_neither_training_nor_validation_rows() -> None:
    holdout = Holdout(rows_of(range(1000, 1040)), rows_of(range(40, 80)).row_hashes)
    data = split_window(TASKED, rows_of(range(400)), lambda _: holdout)
    used = np.concatenate([data.split.train.row_hashes, data.split.validation.row_hashes])
    assert not np.isin(used, holdout.row_hashes).any()
    assert len(data.split.holdout) == 40


def test_the_hold_out_is_read_with_labels_of_the_windows_kind() -> None:
    requested: list[type | None] = []

    def load_holdout(kind: type | None) -> Holdout:
        requested.append(kind)
        return all_of(rows_of(range(1000, 1040), ("a", "b")))

    data = split_window(TASKED, rows_of(range(400), ("a", "b")), load_holdout)
    assert requested == [str]
    assert len(data.split.holdout) == 40


def test_rows_with_rare_labels_are_dropped() -> None:
    labels = (*[0, 1] * 199, 7, 7)
    data = split_window(JOB, rows_of(range(400), labels), never)
    assert data.classes == (0, 1)
    assert sum(sizes(data)) == 398


def test_of_hundreds_of_classes_two_rows_of_each_suffice() -> None:
    rows = rows_of(range(300), tuple(range(130)))
    assert split_window(JOB, rows, never).classes == tuple(range(130))
    few_rows = [*range(12), *range(12), 0, 0, 0]
    assert count_label_rows(few_rows, 5)[0] == (0,)
    at_least_100 = [*[0] * 80, *[1] * 80, 2, 2]
    assert count_label_rows(at_least_100, 100) == ((0, 1), (2,))
    assert count_label_rows([*range(97), 7], 5)[0] == ()
    mostly_one = [*[0] * 40, *range(1, 15), *range(1, 15)]
    assert count_label_rows(mostly_one, 5)[0] == (0,)


def test_hold_out_rows_of_other_classes_are_dropped() -> None:
    holdout = all_of(rows_of(range(1000, 1030), (0, 1, 2)))
    data = split_window(TASKED, rows_of(range(400)), lambda _: holdout)
    assert len(data.split.holdout) == 20
    assert set(data.split.holdout.labels) == {0, 1}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (rows_of(range(100), (None,)), "no row has a label yet"),
        (rows_of(range(10)), "only 10 labelled rows, fewer than 20"),
        (rows_of(range(1)), "only 1 labelled row, fewer than 20"),
        (rows_of(range(100), ("x",)), "every row has the label 'x'"),
    ],
)
def test_a_window_without_enough_labels_says_why(rows: Rows, message: str) -> None:
    with pytest.raises(CannotGrow, match=message):
        split_window(JOB, rows, never)


@given(st.integers(1, 300), st.floats(0.05, 0.5), st.floats(0.05, 0.5), st.integers(0, 60))
def test_a_row_is_on_the_same_side_of_the_hold_out_whatever_comes_with_it(
    count: int, holdout: float, validation: float, min_rows: int
) -> None:
    rows = rows_of(range(count))
    parts = split_rows(rows, holdout, validation, min_rows)
    alone = [len(split_rows(rows.take(np.array([i])), holdout, validation).holdout) for i in range(count)]
    assert np.isin(rows.row_hashes, parts.holdout.row_hashes).tolist() == [bool(held) for held in alone]
    others = count - len(parts.holdout)
    assert len(parts.train) + len(parts.validation) == others
    assert len(parts.validation) >= min(min_rows, others)


@pytest.mark.parametrize("metric", [MetricName.AVERAGE_PRECISION, MetricName.BALANCED_ACCURACY])
def test_a_hold_out_of_one_class_is_refused_where_the_metric_is_not_defined_on_it(metric: MetricName) -> None:
    rows = rows_of(range(400))
    in_holdout = np.isin(rows.row_hashes, split_rows(rows, 0.15, 0.1, 30).holdout.row_hashes)
    rows.labels[in_holdout] = 0
    with pytest.raises(TooFewLabels, match=f"every hold-out row has the label 0, so {metric} is not defined"):
        split_window(replace(JOB, metric=metric), rows, never)
    for other in (MetricName.ACCURACY, MetricName.LOG_LOSS):
        assert split_window(replace(JOB, metric=other), rows, never).classes == (0, 1)
