"""A refined task against its version before, row by row."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from growlearn.domain.metric import METRICS, MetricName
from growlearn.evaluation.paired_tests import mean_decrease_p_value
from growlearn.evaluation.predictions import Predictions
from growlearn.evaluation.refinement import (
    PredictionPair,
    loss_increase_p_value,
    row_log_losses,
    score_refinement,
)

TARGETS = np.arange(400) % 2


def predictions(right: float, spread: float = 0.0, targets: npt.NDArray[np.int64] = TARGETS) -> Predictions:
    """The label of every row at about this probability."""
    noise = spread * np.random.default_rng(0).normal(size=len(targets))
    label_logit = math.log(right / (1 - right)) + noise
    logits = np.zeros((len(targets), 2), np.float32)
    logits[np.arange(len(targets)), targets] = label_logit
    return Predictions(logits, targets)


def test_a_clear_change_is_beyond_chance_and_an_equal_model_within_it() -> None:
    better = PredictionPair(predictions(0.6, 0.5), predictions(0.7, 0.6))
    same = PredictionPair(predictions(0.6, 0.5), predictions(0.6, 0.5))
    score = score_refinement(same, better, 0.05)
    assert score.new is not None
    assert score.new.loss_after < score.new.loss_before
    assert score.new.p_decrease < 1e-6
    assert score.new.p_increase > 0.999
    assert (score.earlier.p_decrease, score.earlier.p_increase, score.earlier.p_accuracy_drop) == (1, 1, 1)
    assert score.both.rows == 800
    assert score.both.loss_after == pytest.approx((score.new.loss_after + score.earlier.loss_after) / 2)
    assert score.p_decrease < 1e-6


def test_lost_rows_are_an_accuracy_drop() -> None:
    worse = predictions(0.6)
    worse.logits[:40] *= -1
    score = score_refinement(PredictionPair(predictions(0.6), worse), None, 0.05)
    assert (score.new, score.both) == (None, score.earlier)
    assert (score.earlier.accuracy_before, score.earlier.accuracy_after) == (1.0, 0.9)
    assert score.earlier.p_accuracy_drop < 1e-6
    assert score.earlier.p_increase < 1e-6


def test_a_diverged_training_has_a_large_finite_loss() -> None:
    diverged = Predictions(np.full((400, 2), np.nan, np.float32), TARGETS)
    score = score_refinement(PredictionPair(predictions(0.6), diverged), None, 0.05)
    assert score.earlier.loss_after == pytest.approx(-math.log(1e-3))
    assert score.p_decrease == 1


def test_one_row_of_a_class_that_an_answer_lacks_does_not_outweigh_the_others() -> None:
    """As where rows are routed and one in fifty reaches the wrong head."""
    separate = predictions(0.9)
    separate.logits[:8] = np.where(np.arange(2) == TARGETS[:8, None], -1e4, 0.0)
    assert row_log_losses(separate).mean() < row_log_losses(predictions(0.75)).mean()


@pytest.mark.parametrize(("num_classes", "least"), [(2, 1e-3), (1000, 1e-4)])
def test_the_least_probability_is_below_chance(num_classes: int, least: float) -> None:
    logits = np.zeros((1, num_classes), np.float32)
    logits[0, 1] = 1e4
    assert row_log_losses(Predictions(logits, np.array([0]))) == pytest.approx(-math.log(least))


def test_labels_that_the_task_does_not_have_do_not_count() -> None:
    assert len(row_log_losses(predictions(0.6))) == 400
    logits = np.zeros((3, 2), np.float32)
    assert row_log_losses(Predictions(logits, np.array([0, 2, 1]))).tolist() == pytest.approx(
        [math.log(2)] * 2
    )


def test_the_paired_test_errs_at_its_level() -> None:
    """Student's t on 2,000 sets of 60 skewed differences without a mean: about 5 in 100 below 0.05."""
    rng = np.random.default_rng(0)
    p_values = [mean_decrease_p_value(rng.gamma(2.0, size=60) - 2.0) for _ in range(2000)]
    assert 0.01 < np.mean(np.array(p_values) < 0.05) < 0.08


def test_a_risen_loss_is_found_and_equal_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    earlier, equal, risen = (rng.exponential(mean, 1000) for mean in (0.4, 0.4, 0.7))
    assert loss_increase_p_value(risen, earlier) < 1e-6
    assert loss_increase_p_value(equal, earlier) > 0.01
    assert loss_increase_p_value(np.zeros(5), np.zeros(5)) == 1


def test_a_class_that_the_version_before_lacked_had_the_least_probability() -> None:
    targets = np.array([0, 1, 2, 2])
    before = Predictions(np.zeros((4, 2), np.float32), targets)
    after = Predictions(np.zeros((4, 3), np.float32), targets)
    score = score_refinement(PredictionPair(before, after), None, 0.05)
    assert score.earlier.rows == 4
    assert score.earlier.loss_before == pytest.approx((math.log(2) - math.log(1e-3)) / 2)
    assert score.earlier.loss_after == pytest.approx(math.log(3))


RARE = (np.arange(400) % 20 == 0).astype(np.int64)


def rare_predictions(recall: float, false_positives: int) -> Predictions:
    """Rows of a rare class that are found, and others that are taken for it."""
    chosen = np.zeros(400, np.int64)
    positive, negative = np.flatnonzero(RARE), np.flatnonzero(RARE == 0)
    chosen[positive[: round(recall * len(positive))]] = 1
    chosen[negative[:false_positives]] = 1
    return Predictions(np.zeros((400, 2), np.float32), RARE, chosen)


@pytest.mark.parametrize("metric", [MetricName.BALANCED_ACCURACY, MetricName.MACRO_F1, MetricName.ACCURACY])
def test_a_metric_of_predicted_classes_stands_in_for_accuracy(metric: MetricName) -> None:
    """Nineteen of twenty rare rows found for forty others: the accuracy falls, balanced accuracy does not."""
    pair = PredictionPair(rare_predictions(0.05, 0), rare_predictions(0.95, 40))
    score = score_refinement(pair, None, 0.05, metric=METRICS[metric], positive=1)
    assert score.both.p_accuracy_drop < 0.01
    change = score.both.by_metric
    if metric is MetricName.ACCURACY:
        assert change is None
        assert score.both.p_drop == score.both.p_accuracy_drop
    else:
        assert change is not None
        assert change.after > change.before + 0.1
        assert (change.p_rise < 0.05, score.both.p_drop > 0.9) == (True, True)


def test_a_drop_is_beyond_chance_however_small_alpha_is() -> None:
    pair = PredictionPair(rare_predictions(0.95, 0), rare_predictions(0.05, 40))
    metric = METRICS[MetricName.BALANCED_ACCURACY]
    score = score_refinement(pair, None, 0.0005, metric=metric, positive=1)
    assert score.both.p_drop < 0.0005


def test_a_metric_stands_in_only_where_both_versions_have_the_same_classes() -> None:
    before = Predictions(np.zeros((400, 2), np.float32), RARE)
    after = Predictions(np.zeros((400, 3), np.float32), RARE)
    score = score_refinement(
        PredictionPair(before, after), None, 0.05, metric=METRICS[MetricName.BALANCED_ACCURACY], positive=1
    )
    assert score.both.by_metric is None
