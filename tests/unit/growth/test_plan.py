"""Which rows a window offers to grow from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.errors import NotGrowable
from growlearn.domain.job import GrowthSpec, HoldoutFiles, Job, SourceSpec
from growlearn.domain.schema import Input, InputType, Label, Schema
from growlearn.growth.plan import Ground, survey
from growlearn.ingest.holdout import Holdout
from growlearn.ingest.rows import Rows, object_column, row_keys, split

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER)})
JOB = Job(name="s", source=SourceSpec(url="data"), schema=SCHEMA)
TASKED = replace(JOB, schema=replace(SCHEMA, task="task"), holdout=HoldoutFiles(url="test"))


def rows_of(values: range, labels: tuple[Label | None, ...] = (0, 1)) -> Rows:
    inputs = {"x": np.array(values, dtype=np.float64)}
    return Rows(
        inputs, object_column([labels[i % len(labels)] for i in values]), None, row_keys(inputs, SCHEMA)
    )


def never(_: type | None) -> Holdout:
    raise AssertionError("the job names no hold-out files")


def all_of(rows: Rows) -> Holdout:
    return Holdout(rows, rows.keys)


def sizes(ground: Ground) -> tuple[int, int, int]:
    return len(ground.split.train), len(ground.split.validation), len(ground.split.holdout)


def test_three_parts_share_no_row_and_leave_none_out() -> None:
    ground = survey(JOB, rows_of(range(1000)), never)
    parts = [ground.split.train, ground.split.validation, ground.split.holdout]
    assert sum(sizes(ground)) == 1000
    assert sorted(np.concatenate([part.inputs["x"] for part in parts])) == list(range(1000))


def test_a_small_window_without_a_task_column_keeps_enough_rows_to_judge_later_ones_by() -> None:
    few = survey(JOB, rows_of(range(120)), never)
    assert len(few.split.validation) == JOB.drift.min_rows
    by_column = survey(replace(JOB, schema=replace(SCHEMA, task="task")), rows_of(range(120)), never)
    assert len(by_column.split.validation) < JOB.drift.min_rows
    assert (few.split.holdout.keys == by_column.split.holdout.keys).all()


def test_a_window_too_small_for_a_reference_is_not_grown_from() -> None:
    job = replace(JOB, growth=GrowthSpec(min_rows=1), drift=DriftSpec(min_rows=30))
    with pytest.raises(NotGrowable, match=r"left to train on|left as drift reference"):
        survey(job, rows_of(range(25)), never)


def test_rows_that_are_hold_out_rows_are_neither_trained_nor_chosen_on() -> None:
    holdout = rows_of(range(40, 80))
    ground = survey(TASKED, rows_of(range(400)), lambda _: all_of(holdout))
    used = np.concatenate([ground.split.train.keys, ground.split.validation.keys])
    assert not np.isin(used, holdout.keys).any()
    assert sizes(ground)[0] + sizes(ground)[1] == 360
    assert len(ground.split.holdout) == 40


def test_rows_of_another_tasks_hold_out_are_neither_trained_nor_chosen_on() -> None:
    holdout = Holdout(rows_of(range(1000, 1040)), rows_of(range(40, 80)).keys)
    ground = survey(TASKED, rows_of(range(400)), lambda _: holdout)
    used = np.concatenate([ground.split.train.keys, ground.split.validation.keys])
    assert not np.isin(used, holdout.keys).any()
    assert len(ground.split.holdout) == 40


def test_the_hold_out_is_read_with_labels_of_the_windows_kind() -> None:
    asked: list[type | None] = []

    def own(kind: type | None) -> Holdout:
        asked.append(kind)
        return all_of(rows_of(range(1000, 1040), ("a", "b")))

    ground = survey(TASKED, rows_of(range(400), ("a", "b")), own)
    assert asked == [str]
    assert len(ground.split.holdout) == 40


def test_labels_too_rare_to_speak_for_a_class_are_left_out() -> None:
    labels = (*[0, 1] * 199, 7, 7)
    ground = survey(JOB, rows_of(range(400), labels), never)
    assert ground.classes == (0, 1)
    assert sum(sizes(ground)) == 398


def test_hold_out_rows_of_classes_the_task_does_not_have_do_not_measure_it() -> None:
    holdout = all_of(rows_of(range(1000, 1030), (0, 1, 2)))
    ground = survey(TASKED, rows_of(range(400)), lambda _: holdout)
    assert len(ground.split.holdout) == 20
    assert set(ground.split.holdout.labels) == {0, 1}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (rows_of(range(100), (None,)), "no row has a label yet"),
        (rows_of(range(10)), "only 10 labelled rows, fewer than 20"),
        (rows_of(range(1)), "only 1 labelled row, fewer than 20"),
        (rows_of(range(100), ("x",)), "every row has the label 'x'"),
    ],
)
def test_what_cannot_be_grown_from_says_why(rows: Rows, said: str) -> None:
    with pytest.raises(NotGrowable, match=said):
        survey(JOB, rows, never)


@given(st.integers(1, 300), st.floats(0.05, 0.5), st.floats(0.05, 0.5), st.integers(0, 60))
def test_a_row_is_on_the_same_side_of_the_hold_out_whatever_comes_with_it(
    count: int, holdout: float, validation: float, least: int
) -> None:
    rows = rows_of(range(count))
    parts = split(rows, holdout, validation, least)
    alone = [len(split(rows.take(np.array([i])), holdout, validation).holdout) for i in range(count)]
    assert np.isin(rows.keys, parts.holdout.keys).tolist() == [bool(held) for held in alone]
    others = count - len(parts.holdout)
    assert len(parts.train) + len(parts.validation) == others
    assert len(parts.validation) >= min(least, others)
