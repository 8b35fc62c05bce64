"""Weights of classes in the loss, and the positive class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.errors import JobError
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.class_weights import choose_positive_class, resolve_class_weights
from growlearn.ingest.rows import object_column

EMPTY = Manifest(
    stream="s",
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
    model=ModelConfig(),
    branches=(),
    tasks=(),
)
LABELS = object_column(["no"] * 90 + ["yes"] * 10)


def test_without_weights_there_are_none() -> None:
    assert resolve_class_weights(None, ("no", "yes"), LABELS, LABELS) == ()


def test_balanced_gives_each_class_the_same_total_weight_and_a_mean_of_one() -> None:
    no, yes = resolve_class_weights("balanced", ("no", "yes"), LABELS, LABELS)
    assert 90 * no == pytest.approx(10 * yes)
    assert 90 * no + 10 * yes == pytest.approx(100)


def test_a_class_without_training_rows_keeps_its_logits_as_they_are() -> None:
    """Each weight is divided out of the probabilities again, and nothing was weighted up here."""
    no, maybe, yes = resolve_class_weights("balanced", ("no", "maybe", "yes"), LABELS, LABELS)
    assert maybe == 1
    assert [90 * no, 10 * yes] == pytest.approx([50, 50])


def test_weights_are_scaled_to_a_mean_of_one_and_unnamed_classes_have_weight_one_before() -> None:
    no, yes = resolve_class_weights({"yes": 11.0}, ("no", "yes"), LABELS, LABELS)
    assert yes == pytest.approx(11 * no)
    assert 90 * no + 10 * yes == pytest.approx(100)


def test_integer_labels_are_named_by_their_digits() -> None:
    labels = object_column([0, 0, 1])
    zero, one = resolve_class_weights({"1": 2.0}, (0, 1), labels, labels)
    assert one == pytest.approx(2 * zero)


def test_an_unknown_class_is_an_error_that_names_it_and_lists_the_known_ones() -> None:
    with pytest.raises(JobError, match=r"'yess', which is no class of this stream .*classes: no, yes"):
        resolve_class_weights({"yess": 5.0}, ("no", "yes"), LABELS, LABELS)


def test_a_class_that_only_another_task_has_is_known() -> None:
    assert resolve_class_weights({"maybe": 5.0}, ("no", "yes"), LABELS, ["no", "yes", "maybe"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("labels", "positive"), [(["a"] * 9 + ["b"], "b"), (["b"] * 9 + ["a"], "a"), (["a", "b"], "b")]
)
def test_the_positive_class_is_the_rarer_one(labels: list[Any], positive: str) -> None:
    assert choose_positive_class(EMPTY, ("a", "b"), object_column(labels)) == positive


def test_more_than_two_classes_have_no_positive_one() -> None:
    assert choose_positive_class(EMPTY, ("a", "b", "c"), object_column(["a", "b", "c"])) is None


def test_the_positive_class_stays_the_same_for_later_tasks_with_the_same_classes() -> None:
    head = TaskHead(name="t", classes=("a", "b"), lineage=("b1",), sha256="0" * 64, positive_class="a")
    parent = replace(EMPTY, tasks=(head,))
    assert choose_positive_class(parent, ("a", "b"), object_column(["a"] * 9 + ["b"])) == "a"
    assert choose_positive_class(parent, ("a", "c"), object_column(["a"] * 9 + ["c"])) == "c"
