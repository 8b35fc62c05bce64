"""The paired tests that decide whether a larger candidate outperforms a smaller one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection
from growlearn.evaluation.paired_tests import CorrectMask, compare_paired, select_smallest_adequate

COUNTS = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda counts: sum(counts) > 0)


def rows(both: int, smaller: int, larger: int, neither: int) -> tuple[CorrectMask, CorrectMask]:
    """Masks with rows that both, only the smaller, only the larger and neither predict correctly."""
    smaller_correct = [True] * both + [True] * smaller + [False] * larger + [False] * neither
    larger_correct = [True] * both + [False] * smaller + [True] * larger + [False] * neither
    return np.array(smaller_correct), np.array(larger_correct)


def candidate(kind: CandidateKind, parameters: int | None = None, loss: float | None = None) -> Candidate:
    """A candidate; by default a later kind has more parameters."""
    return Candidate(
        kind=kind,
        task_score=TaskScore(task="t", correct=1, rows=2),
        parameters=list(CandidateKind).index(kind) if parameters is None else parameters,
        branches=1,
        seconds=1.0,
        validation_loss=loss,
    )


def select(**correct: CorrectMask) -> ModelSelection:
    masks = {CandidateKind[name.upper()]: mask for name, mask in correct.items()}
    return select_smallest_adequate([candidate(kind) for kind in masks], masks, 0.05)


@given(COUNTS)
def test_the_p_value_is_that_of_the_exact_binomial_test(counts: tuple[int, int, int, int]) -> None:
    smaller, larger = rows(*counts)
    result = compare_paired((CandidateKind.NEW_HEAD, CandidateKind.BRANCH), smaller, larger, 0.05)
    _, losses, wins, _ = counts
    assert (result.only_larger_correct, result.only_smaller_correct, result.rows) == (
        wins,
        losses,
        sum(counts),
    )
    expected = binomtest(wins, wins + losses, 0.5, "greater").pvalue if wins + losses else 1.0
    assert result.p_value == pytest.approx(expected)


@given(COUNTS)
def test_the_interval_holds_what_was_measured_and_is_wider_at_a_smaller_alpha(
    counts: tuple[int, int, int, int],
) -> None:
    smaller, larger = rows(*counts)
    result = compare_paired((CandidateKind.NEW_HEAD, CandidateKind.BRANCH), smaller, larger, 0.05)
    stricter = compare_paired((CandidateKind.NEW_HEAD, CandidateKind.BRANCH), smaller, larger, 0.001)
    assert -1 <= stricter.low <= result.low <= result.high <= stricter.high <= 1
    if sum(counts) >= 10:
        assert result.low - 0.1 <= result.difference <= result.high + 0.1  # few rows draw it towards 0


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        chance = rng.random(120)
        smaller, larger = chance < 0.8, rng.random(120) < 0.85
        result = compare_paired((CandidateKind.NEW_HEAD, CandidateKind.BRANCH), smaller, larger, 0.05)
        covered += result.low <= 0.05 <= result.high
    assert covered >= 0.94 * 2000


def test_an_equal_candidate_is_outperformed_at_most_as_often_as_alpha() -> None:
    rng = np.random.default_rng(1)
    outperformed = 0
    for _ in range(1000):
        correct = {name: rng.random(200) < 0.8 for name in ("no_change", "new_head", "branch")}
        outperformed += select(**correct).selected is not CandidateKind.NO_CHANGE
    assert outperformed <= 0.05 * 1000


def test_the_smallest_that_none_outperforms_is_selected() -> None:
    poor, fair, good = np.arange(100) < 50, np.arange(100) < 88, np.arange(100) < 90
    assert select(no_change=good, new_head=good, branch=good).selected is CandidateKind.NO_CHANGE
    assert select(no_change=poor, new_head=fair, branch=good).selected is CandidateKind.NEW_HEAD
    assert select(no_change=poor, new_head=poor, branch=good).selected is CandidateKind.BRANCH
    assert select(no_change=poor, new_head=good, branch=poor).selected is CandidateKind.NEW_HEAD


def test_one_that_only_the_largest_outperforms_is_outperformed() -> None:
    smaller, middle, larger = np.arange(100) < 80, np.arange(100) < 83, np.arange(100) < 95
    assert select(no_change=smaller, new_head=middle, branch=larger).selected is CandidateKind.BRANCH


def test_each_is_compared_with_every_larger_one() -> None:
    right = np.ones(10, dtype=bool)
    result = select(no_change=right, new_head=right, branch=right)
    assert [(item.smaller, item.larger) for item in result.comparisons] == [
        (CandidateKind.NO_CHANGE, CandidateKind.NEW_HEAD),
        (CandidateKind.NO_CHANGE, CandidateKind.BRANCH),
        (CandidateKind.NEW_HEAD, CandidateKind.BRANCH),
    ]
    assert {item.p_value for item in result.comparisons} == {1.0}


def test_a_candidate_is_found_by_kind() -> None:
    right = np.ones(10, dtype=bool)
    result = select(new_head=right, branch=right)
    assert result.candidate(CandidateKind.BRANCH).kind is CandidateKind.BRANCH
    with pytest.raises(KeyError):
        result.candidate(CandidateKind.NO_CHANGE)


def test_of_candidates_of_equal_cost_the_one_with_the_lowest_validation_loss_is_compared() -> None:
    right = {
        CandidateKind.NEW_HEAD: np.arange(100) < 70,
        CandidateKind.FINE_TUNE: np.arange(100) < 95,
        CandidateKind.BRANCH: np.arange(100) < 90,
    }
    candidates = [
        candidate(CandidateKind.NEW_HEAD, 1),
        candidate(CandidateKind.FINE_TUNE, 9, 0.3),
        candidate(CandidateKind.BRANCH, 9, 0.2),
    ]
    result = select_smallest_adequate(candidates, right, 0.05)
    assert [(item.smaller, item.larger) for item in result.comparisons] == [
        (CandidateKind.NEW_HEAD, CandidateKind.BRANCH)
    ]
    assert (result.selected, len(result.candidates)) == (CandidateKind.BRANCH, 3)


def test_candidates_are_ordered_by_cost() -> None:
    right = {kind: np.ones(10, dtype=bool) for kind in (CandidateKind.BRANCH, CandidateKind.NEW_HEAD)}
    result = select_smallest_adequate(
        [candidate(CandidateKind.NEW_HEAD, 9), candidate(CandidateKind.BRANCH, 5)], right, 0.05
    )
    assert [item.kind for item in result.candidates] == [CandidateKind.BRANCH, CandidateKind.NEW_HEAD]
    assert result.selected is CandidateKind.BRANCH


def test_a_significant_difference_below_the_minimum_effect_does_not_count() -> None:
    smaller, larger = np.arange(1000) < 800, np.arange(1000) < 815
    assert compare_paired(
        (CandidateKind.NEW_HEAD, CandidateKind.BRANCH), smaller, larger, 0.05, 0.015
    ).outperformed
    result = compare_paired((CandidateKind.NEW_HEAD, CandidateKind.BRANCH), smaller, larger, 0.05, 0.02)
    assert (result.outperformed, result.p_value < 0.001) == (False, True)
    right = {CandidateKind.NEW_HEAD: smaller, CandidateKind.BRANCH: larger}
    selection = select_smallest_adequate([candidate(kind) for kind in right], right, 0.05, 0.02)
    assert (selection.selected, selection.min_accuracy_gain) == (CandidateKind.NEW_HEAD, 0.02)


def test_where_no_change_is_outperformed_the_selected_candidate_outperforms_it_itself() -> None:
    """A branch is three points better than no change; a head lies halfway."""
    no_change, head, branch = (np.arange(2000) < count for count in (1600, 1630, 1660))
    right = {CandidateKind.NO_CHANGE: no_change, CandidateKind.NEW_HEAD: head, CandidateKind.BRANCH: branch}
    result = select_smallest_adequate([candidate(kind) for kind in right], right, 0.05, 0.02)
    assert [item.outperformed for item in result.comparisons] == [False, True, False]
    assert result.selected is CandidateKind.BRANCH
