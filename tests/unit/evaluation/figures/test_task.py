"""Which answers an evaluation's figures are worked out from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.evaluation import Cell, Evaluation, Flips
from growlearn.domain.schema import Label
from growlearn.evaluation.answers import Answers, dump
from growlearn.evaluation.figures.task import TaskFigures, figures_of

CLASSES: dict[str, tuple[Label, ...]] = {"a": ("cat", "dog"), "b": (3, 5)}


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


def cell(task: str, right: list[bool], artifacts: MemoryArtifacts) -> Cell:
    """A cell whose rows are all of the first class; what is not right is answered by the second."""
    logits = np.array([[1, 0] if each else [0, 1] for each in right], np.float32)
    stored = artifacts.put(dump(Answers(logits, np.zeros(len(right), np.int64))))
    return Cell(task=task, correct=sum(right), rows=len(right), answers=stored)


def grown(artifacts: MemoryArtifacts, known: Cell | None = None) -> Evaluation:
    a, b = cell("a", [True, False], artifacts), cell("b", [True, True, False], artifacts)
    return Evaluation(task="b", cells=(a, b), before=b, chance=0.5, known=known)


def figures(evaluation: Evaluation, base: tuple[Cell, ...], artifacts: MemoryArtifacts) -> list[TaskFigures]:
    return list(figures_of(evaluation, base, CLASSES, artifacts))


def test_flips_are_against_the_version_before_and_none_where_there_was_none(
    artifacts: MemoryArtifacts,
) -> None:
    base = (cell("a", [False, True], artifacts),)
    a, b = figures(grown(artifacts), base, artifacts)
    assert (a.flips, a.before) == (Flips(task="a", lost=1, gained=1, rows=2), base[0])
    assert (b.flips, b.before) == (None, None)


def test_a_new_task_flips_against_the_earlier_task_that_answered_its_rows_best(
    artifacts: MemoryArtifacts,
) -> None:
    known = cell("a", [False, False, True], artifacts)
    _, b = figures(grown(artifacts, known), (), artifacts)
    assert (b.flips, b.before) == (Flips(task="b", lost=1, gained=2, rows=3), known)


def test_a_consolidated_model_flips_against_the_one_it_was_taught_by(artifacts: MemoryArtifacts) -> None:
    taught = (cell("a", [True, True], artifacts), cell("b", [True, True, True], artifacts))
    consolidated = replace(grown(artifacts), taught=taught)
    found = figures(consolidated, (), artifacts)
    assert [each.flips and each.flips.lost for each in found] == [1, 1]


def test_what_is_answered_without_the_tasks_name_stands_beside_it(artifacts: MemoryArtifacts) -> None:
    routed = cell("b", [True, False, False], artifacts)
    a, b = figures(replace(grown(artifacts), routed=(routed,)), (), artifacts)
    assert (a.routed, b.routed) == (None, routed)


def test_classes_carry_their_names(artifacts: MemoryArtifacts) -> None:
    a, b = figures(grown(artifacts), (), artifacts)
    assert a.per_class is not None
    assert b.per_class is not None
    assert [each.label for each in a.per_class] == ["cat", "dog"]
    assert [(each.label, each.rows, each.recall) for each in b.per_class] == [(3, 3, 2 / 3), (5, 0, None)]


def test_of_records_without_answers_the_counts_alone_are_told(artifacts: MemoryArtifacts) -> None:
    evaluation = grown(artifacts)
    old = replace(evaluation, cells=tuple(replace(each, answers=None) for each in evaluation.cells))
    a, _ = figures(old, (cell("a", [True, True], artifacts),), artifacts)
    assert (a.counts, a.per_class, a.calibration, a.flips) == (None,) * 4
    assert a.cell.interval.high > a.cell.accuracy == 0.5


def test_against_a_record_without_answers_there_are_no_flips(artifacts: MemoryArtifacts) -> None:
    base = (Cell(task="a", correct=2, rows=2),)
    a, _ = figures(grown(artifacts), base, artifacts)
    assert (a.flips, a.before) == (None, base[0])
    assert a.calibration is not None
