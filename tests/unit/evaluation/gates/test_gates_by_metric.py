"""Every gate that compares scores does so by the job's metric, in its direction."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import Evaluation, TaskScore
from growlearn.domain.job import GateConfig
from growlearn.domain.metric import MetricName
from growlearn.evaluation.gates.forgetting import forgetting
from growlearn.evaluation.gates.min_accuracy import min_accuracy
from growlearn.evaluation.gates.min_gain import min_gain
from growlearn.evaluation.gates.routed_accuracy import routed_accuracy

AP, LOSS = MetricName.AVERAGE_PRECISION, MetricName.LOG_LOSS


def score(task: str, value: float | None, metric: MetricName = AP, correct: int = 99) -> TaskScore:
    return TaskScore(task=task, correct=correct, rows=100, metric=metric, metric_value=value)


def evaluation(
    *scores: TaskScore, initial: TaskScore, chance: float = 0.01, routed: tuple[TaskScore, ...] = ()
) -> Evaluation:
    return Evaluation(
        task=scores[-1].task,
        task_scores=scores,
        initial=initial,
        chance_level=0.5,
        routed=routed,
        metric_chance_level=chance,
    )


def with_scores(gate_input: Any, now: Evaluation, *past: Evaluation) -> Any:
    return replace(gate_input, evaluation=now, past_evaluations=past)


@pytest.fixture
def gate_input(make_gate_input: Any) -> Any:
    return make_gate_input()


def test_the_gain_is_that_of_the_metric_though_accuracy_did_not_move(gate_input: Any) -> None:
    now = evaluation(score("b", 0.4), initial=score("b", 0.1))
    result = min_gain(with_scores(gate_input, now), GateConfig(min_gain=0.2))
    assert result.value == pytest.approx(0.3)
    assert result.passed
    assert result.reason == "0.4000 average_precision on task 'b', 0.1000 before training"


def test_a_lower_log_loss_is_a_gain_and_a_higher_one_is_not(gate_input: Any) -> None:
    better = evaluation(score("b", 0.2, LOSS), initial=score("b", 0.5, LOSS), chance=0.7)
    worse = evaluation(score("b", 0.9, LOSS), initial=score("b", 0.5, LOSS), chance=0.7)
    passed = min_gain(with_scores(gate_input, better), GateConfig())
    failed = min_gain(with_scores(gate_input, worse), GateConfig())
    assert passed.value == pytest.approx(0.3)
    assert failed.value == pytest.approx(-0.4)
    assert (passed.passed, failed.passed) == (True, False)


def test_chance_is_by_the_metric_too(gate_input: Any) -> None:
    now = evaluation(score("b", 0.05), initial=score("b", 0.01), chance=0.04)
    assert min_gain(with_scores(gate_input, now), GateConfig()).value == pytest.approx(0.01)


def test_without_a_value_accuracy_takes_its_place_and_the_reason_says_so(gate_input: Any) -> None:
    now = evaluation(score("b", None, correct=97), initial=score("b", None, correct=95))
    result = min_gain(with_scores(gate_input, now), GateConfig())
    assert result.value == pytest.approx(0.02)
    assert result.reason == (
        "97.00% accuracy (average_precision is not defined: every row has one label) on task 'b', "
        "95.00% before training"
    )


@pytest.mark.parametrize(
    ("metric", "best", "now", "drop"), [(AP, 0.6, 0.5, 0.1), (LOSS, 0.3, 0.4, 0.1), (LOSS, 0.4, 0.3, -0.1)]
)
def test_forgetting_is_a_worse_value_whatever_the_direction(
    gate_input: Any, metric: MetricName, best: float, now: float, drop: float
) -> None:
    past = evaluation(score("a", best, metric), initial=score("a", 0.9, metric))
    candidate = evaluation(score("a", now, metric), score("b", 0.5, metric), initial=score("b", 0.9, metric))
    result = forgetting(with_scores(gate_input, candidate, past), GateConfig(max_forgetting=0.05))
    assert result.value == pytest.approx(drop)
    assert result.passed is (drop < 0.05)
    assert result.reason == f"task 'a' changed most: best {best:.4f}, now {now:.4f} {metric}"


def test_the_best_past_log_loss_is_the_lowest(gate_input: Any) -> None:
    def past(value: float) -> Evaluation:
        return evaluation(score("a", value, LOSS), initial=score("a", 1.0, LOSS))

    now = evaluation(score("a", 0.5, LOSS), score("b", 0.5, LOSS), initial=score("b", 1.0, LOSS))
    result = forgetting(with_scores(gate_input, now, past(0.2), past(0.6)), GateConfig())
    assert result.value == pytest.approx(0.3)


def test_a_task_without_a_value_is_compared_by_accuracy(gate_input: Any) -> None:
    past = evaluation(score("a", None, correct=90), initial=score("a", None))
    now = evaluation(score("a", None, correct=88), score("b", 0.5), initial=score("b", 0.1))
    result = forgetting(with_scores(gate_input, now, past), GateConfig())
    assert result.value == pytest.approx(0.02)
    assert "average_precision is not defined" in result.reason


def test_the_minimum_is_of_the_metric(gate_input: Any) -> None:
    now = evaluation(score("a", 0.3, correct=100), score("b", 0.6, correct=90), initial=score("b", 0.1))
    result = min_accuracy(with_scores(gate_input, now), GateConfig(min_accuracy=0.4))
    assert (result.value, result.passed) == (0.3, False)
    assert result.reason == "0.3000 average_precision on task 'a', the lowest"


def test_of_log_losses_the_highest_is_shown_and_no_minimum_is_asked(gate_input: Any) -> None:
    now = evaluation(score("a", 0.9, LOSS), score("b", 0.1, LOSS), initial=score("b", 1.0, LOSS))
    result = min_accuracy(with_scores(gate_input, now), GateConfig())
    assert (result.value, result.passed) == (0.9, True)


def test_the_drop_of_routed_rows_is_by_the_metric(gate_input: Any) -> None:
    past = evaluation(score("a", 0.5), initial=score("a", 0.1))
    now = evaluation(
        score("a", 0.5), score("b", 0.5), initial=score("b", 0.1), routed=(score("a", 0.3), score("b", 0.5))
    )
    result = routed_accuracy(with_scores(gate_input, now, past), GateConfig(max_routed_accuracy_drop=0.1))
    assert result.value == pytest.approx(0.4)  # of 0.5
    assert not result.passed
    assert result.reason == "routed average_precision of task 'a': 0.3000, 0.5000 before"


def test_a_small_average_precision_may_not_be_lost_whole(gate_input: Any) -> None:
    past = evaluation(score("a", 0.08), initial=score("a", 0.01))
    now = evaluation(score("a", 0.08), score("b", 0.5), initial=score("b", 0.1), routed=(score("a", 0.01),))
    assert not routed_accuracy(with_scores(gate_input, now, past), GateConfig()).passed


def test_one_row_with_a_head_that_lacks_its_class_does_not_reject_by_its_log_loss(gate_input: Any) -> None:
    """One row of 100 whose label the answer does not have: 36 nats more."""
    past = evaluation(score("a", 0.2, LOSS), initial=score("a", 0.7, LOSS))
    now = evaluation(
        score("a", 0.2, LOSS),
        score("b", 0.2, LOSS),
        initial=score("b", 0.7, LOSS),
        routed=(score("a", 0.56, LOSS, correct=98),),
    )
    result = routed_accuracy(with_scores(gate_input, now, past), GateConfig())
    assert result.passed
    assert result.value == pytest.approx(0.01)
    assert result.reason == "routed accuracy of task 'a': 98.00%, 99.00% before"


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_a_task_whose_answers_are_no_numbers_is_forgotten_whatever_its_place(
    gate_input: Any, names: tuple[str, str]
) -> None:
    past = evaluation(*(score(name, 0.5, LOSS) for name in names), initial=score("a", 0.5, LOSS))
    values = {"a": 0.5, "b": math.nan}
    now = evaluation(
        *(score(name, values[name], LOSS) for name in names),
        score("c", 0.5, LOSS),
        initial=score("c", 0.7, LOSS),
        routed=tuple(score(name, values[name], LOSS) for name in names),
    )
    for gate in (forgetting, routed_accuracy):
        result = gate(with_scores(gate_input, now, past), GateConfig())
        assert not result.passed
        assert result.value == pytest.approx(35.54365)
        assert "task 'b'" in result.reason
