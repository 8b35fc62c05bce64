"""Candidates compared by a metric that has no exact test."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.bootstrap import count_resamples
from growlearn.domain.evaluation import TaskScore
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection
from growlearn.evaluation.paired_tests import MetricTest, select_smallest_adequate
from growlearn.metrics import ScoredRows
from growlearn.registry.selection_report import describe_selection

TARGETS = (np.arange(600) % 20 == 0).astype(np.int64)
NOISE = np.random.default_rng(0).normal(size=600)


def scored(strength: float, targets: Any = TARGETS) -> ScoredRows:
    """Rows whose scores tell the positive ones the better, the larger the strength; none is predicted."""
    positive = 1 / (1 + np.exp(4 - strength * targets - NOISE))
    probabilities = np.stack([1 - positive, positive], axis=1)
    return ScoredRows(probabilities, np.zeros(len(targets), np.int64), targets, 1)


def candidate(kind: CandidateKind, **validation: Any) -> Candidate:
    return Candidate(
        kind=kind,
        task_score=TaskScore(task="t", correct=570, rows=600),
        parameters=list(CandidateKind).index(kind),
        branches=1,
        seconds=1.0,
        **validation,
    )


def select(metric: MetricName, min_effect: float = 0.0, **strengths: float) -> ModelSelection:
    rows = {CandidateKind[name.upper()]: scored(strength) for name, strength in strengths.items()}
    correct = {kind: item.predicted == item.targets for kind, item in rows.items()}
    return select_smallest_adequate(
        [candidate(kind) for kind in rows], correct, 0.05, min_effect, MetricTest(METRICS[metric], rows)
    )


@pytest.mark.parametrize("metric", [MetricName.AVERAGE_PRECISION, MetricName.ROC_AUC, MetricName.LOG_LOSS])
def test_a_model_that_only_ranks_better_outperforms_one_with_the_same_rows_right(metric: MetricName) -> None:
    selection = select(metric, no_change=0.0, branch=3.0)
    (comparison,) = selection.comparisons
    assert (comparison.only_larger_correct, comparison.only_smaller_correct) == (0, 0)
    assert comparison.outperformed
    assert comparison.difference > 0  # also where less is better
    assert comparison.low <= comparison.difference <= comparison.high
    assert comparison.low > 0
    assert (selection.selected, selection.metric) == (CandidateKind.BRANCH, metric)


@pytest.mark.parametrize("metric", [MetricName.AVERAGE_PRECISION, MetricName.LOG_LOSS])
def test_a_larger_model_that_is_worse_or_equal_is_not_kept(metric: MetricName) -> None:
    assert select(metric, no_change=3.0, branch=0.0).selected is CandidateKind.NO_CHANGE
    equal = select(metric, no_change=1.0, branch=1.0)
    assert equal.selected is CandidateKind.NO_CHANGE
    assert equal.comparisons[0].p_value == 1


@pytest.mark.parametrize(
    ("smaller", "larger", "kept"), [(math.nan, 3.0, "branch"), (3.0, math.nan, "no_change")]
)
def test_a_candidate_whose_training_diverged_is_not_kept(smaller: float, larger: float, kept: str) -> None:
    selection = select(MetricName.ROC_AUC, no_change=smaller, branch=larger)
    assert selection.selected is CandidateKind(kept)


@pytest.mark.parametrize(("positives", "kept"), [(1, "no_change"), (4, "no_change"), (30, "branch")])
@pytest.mark.parametrize("third", [0, 2])
def test_a_handful_of_rows_of_a_class_shows_nothing(positives: int, kept: str, third: int) -> None:
    """Whatever the resamples say: of one row they are all alike, also where other rows have a third label."""
    targets = (np.arange(600) < positives).astype(np.int64)
    targets[-1] = third
    kinds = {CandidateKind.NO_CHANGE: 0.0, CandidateKind.BRANCH: 9.0}
    rows = {kind: scored(strength, targets == 1) for kind, strength in kinds.items()}
    rows = {kind: replace(each, targets=targets) for kind, each in rows.items()}
    correct = {kind: item.predicted == targets for kind, item in rows.items()}
    test = MetricTest(METRICS[MetricName.AVERAGE_PRECISION], rows)
    selection = select_smallest_adequate([candidate(kind) for kind in rows], correct, 0.05, 0.0, test)
    assert selection.selected is CandidateKind(kept)


@pytest.mark.parametrize("metric", [MetricName.BALANCED_ACCURACY, MetricName.MACRO_F1])
def test_models_of_equal_quality_are_told_apart_no_more_often_than_alpha_though_classes_have_one_row(
    metric: MetricName,
) -> None:
    """Five of eight classes have one row, without variance: the bootstrap calls 38 and 17 of 100 better."""
    rng, targets = np.random.default_rng(0), np.repeat(range(8), (200, 200, 200, 1, 1, 1, 1, 1))
    kinds, alpha, found = (CandidateKind.NO_CHANGE, CandidateKind.BRANCH), 0.05, 0

    def guess() -> ScoredRows:
        predicted = np.where(rng.random(605) < 0.7, targets, rng.integers(8, size=605))
        return ScoredRows(np.full((605, 8), 1 / 8), predicted, targets)

    for _ in range(100):
        rows = {kind: guess() for kind in kinds}
        correct = {kind: item.predicted == targets for kind, item in rows.items()}
        test = MetricTest(METRICS[metric], rows)
        selection = select_smallest_adequate([candidate(kind) for kind in rows], correct, alpha, 0.0, test)
        found += selection.selected is CandidateKind.BRANCH
    assert found <= 15  # 5 are expected

    best = ScoredRows(np.full((605, 8), 1 / 8), targets, targets)
    rows = {CandidateKind.NO_CHANGE: guess(), CandidateKind.BRANCH: best}
    correct = {kind: item.predicted == targets for kind, item in rows.items()}
    test = MetricTest(METRICS[metric], rows)
    selection = select_smallest_adequate([candidate(kind) for kind in rows], correct, alpha, 0.0, test)
    assert selection.selected is CandidateKind.BRANCH


def test_a_gain_below_the_minimum_does_not_count() -> None:
    assert select(MetricName.ROC_AUC, 0.5, no_change=0.0, branch=3.0).selected is CandidateKind.NO_CHANGE


@pytest.mark.parametrize("metric", [MetricName.AVERAGE_PRECISION, MetricName.LOG_LOSS])
@pytest.mark.parametrize(("share", "kept"), [(0.02, "branch"), (0.9, "no_change")])
def test_the_minimum_is_a_share_of_an_average_precision_and_of_a_log_loss(
    metric: MetricName, share: float, kept: str
) -> None:
    """Of one positive row in a hundred: 0.038 is much more than 0.023, and 0.059 nats are less than 0.062."""
    targets = (np.arange(6000) % 100 == 0).astype(np.int64)
    noise = np.random.default_rng(0).normal(size=6000)
    rows = {}
    for kind, strength in ((CandidateKind.NO_CHANGE, 0.5), (CandidateKind.BRANCH, 0.8)):
        positive = 1 / (1 + np.exp(4 - strength * targets - noise))
        probabilities = np.stack([1 - positive, positive], axis=1)
        rows[kind] = ScoredRows(probabilities, np.zeros(6000, np.int64), targets, 1)
    correct = {kind: item.predicted == targets for kind, item in rows.items()}
    test = MetricTest(METRICS[metric], rows)
    selection = select_smallest_adequate([candidate(kind) for kind in rows], correct, 0.05, share, test)
    assert 0 < selection.comparisons[0].difference < 0.02
    assert selection.selected is CandidateKind(kept)
    rule = list(describe_selection(selection))[-1]
    assert rule.endswith(f"at alpha 0.05, by +{share:.2%} of its value or more: {kept}.")


def test_the_same_rows_give_the_same_comparison() -> None:
    first = select(MetricName.AVERAGE_PRECISION, no_change=0.5, branch=1.0)
    assert first == select(MetricName.AVERAGE_PRECISION, no_change=0.5, branch=1.0)


def test_the_smallest_possible_p_value_is_below_alpha() -> None:
    assert [count_resamples(alpha) for alpha in (0.05, 0.001, 0.0001)] == [1000, 2000, 20000]


def test_of_equal_cost_the_best_by_the_metric_on_validation_rows_is_compared() -> None:
    def same_cost(kind: CandidateKind, loss: float, value: float) -> Candidate:
        return Candidate(
            kind=kind,
            task_score=TaskScore(task="t", correct=570, rows=600),
            parameters=5,
            branches=1,
            seconds=1.0,
            validation_loss=loss,
            validation_value=value,
        )

    rows = {kind: scored(1.0) for kind in CandidateKind}
    correct = {kind: np.ones(600, bool) for kind in CandidateKind}
    candidates = [same_cost(CandidateKind.FINE_TUNE, 0.1, 0.3), same_cost(CandidateKind.BRANCH, 0.2, 0.6)]
    for metric, expected in (
        (MetricName.AVERAGE_PRECISION, CandidateKind.BRANCH),
        (MetricName.LOG_LOSS, CandidateKind.FINE_TUNE),
    ):
        test = MetricTest(METRICS[metric], rows)
        assert select_smallest_adequate(candidates, correct, 0.05, 0.0, test).selected is expected
