from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.evaluation import Cell, Evaluation, Flips
from growlearn.evaluation.answers import Answers, dump
from growlearn.evaluation.flips import flips_between, flips_of


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


def cell(artifacts: MemoryArtifacts, task: str, right: Sequence[int]) -> Cell:
    """Answers to rows of class 1 of two: right where it says 1."""
    logits = np.array([[1 - each, each] for each in right], dtype=np.float32)
    stored = artifacts.put(dump(Answers(logits, np.ones(len(right), dtype=np.int64))))
    return Cell(task=task, correct=sum(right), rows=len(right), answers=stored)


def evaluation(*cells: Cell, known: Cell | None = None, taught: tuple[Cell, ...] = ()) -> Evaluation:
    return Evaluation(
        task=cells[-1].task, cells=cells, before=cells[-1], chance=0.5, known=known, taught=taught
    )


def test_rows_that_change_sides_are_counted_both_ways(artifacts: MemoryArtifacts) -> None:
    old, new = cell(artifacts, "a", [1, 1, 1, 0, 0]), cell(artifacts, "a", [1, 0, 0, 1, 0])
    flips = flips_between(old, new, artifacts)
    assert flips == Flips(task="a", lost=2, gained=1, rows=5)
    assert flips.negative == 0.4


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=50))
def test_what_the_accuracy_gains_is_the_difference_of_the_two_shares(pairs: list[tuple[int, int]]) -> None:
    artifacts = MemoryArtifacts()
    old, new = (cell(artifacts, "a", side) for side in zip(*pairs, strict=True))
    flips = flips_between(old, new, artifacts)
    assert flips is not None
    assert flips.positive - flips.negative == pytest.approx(new.accuracy - old.accuracy)
    assert 0 <= flips.negative <= old.accuracy


def test_answers_that_are_not_stored_tell_nothing(artifacts: MemoryArtifacts) -> None:
    stored = cell(artifacts, "a", [1, 0])
    assert flips_between(replace(stored, answers=None), stored, artifacts) is None
    assert flips_between(stored, replace(stored, answers=None), artifacts) is None


def test_other_rows_tell_nothing(artifacts: MemoryArtifacts) -> None:
    assert flips_between(cell(artifacts, "a", [1, 0]), cell(artifacts, "a", [1, 0, 1]), artifacts) is None


def test_a_candidate_is_held_against_what_it_grew_from(artifacts: MemoryArtifacts) -> None:
    first = evaluation(cell(artifacts, "a", [1, 1, 0]))
    known = cell(artifacts, "a", [1, 1, 1, 0])
    second = evaluation(cell(artifacts, "a", [1, 1, 0]), cell(artifacts, "b", [0, 1, 1, 1]), known=known)
    assert flips_of(second, (first,), artifacts) == (
        Flips(task="a", lost=0, gained=0, rows=3),
        Flips(task="b", lost=1, gained=1, rows=4),
    )


def test_a_new_task_that_nothing_answered_has_none(artifacts: MemoryArtifacts) -> None:
    assert flips_of(evaluation(cell(artifacts, "a", [1, 0])), (), artifacts) == ()


def test_a_consolidation_is_held_against_the_model_consolidated(artifacts: MemoryArtifacts) -> None:
    past = evaluation(cell(artifacts, "a", [0, 0, 0]))
    after = evaluation(cell(artifacts, "a", [1, 0, 0]), taught=(cell(artifacts, "a", [0, 1, 0]),))
    assert flips_of(after, (past,), artifacts) == (Flips(task="a", lost=1, gained=1, rows=3),)
