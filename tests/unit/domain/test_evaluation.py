from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.evaluation import (
    AccuracyMatrix,
    Evaluation,
    TaskScore,
    build_accuracy_matrix,
    common_metric,
    gain,
)
from growlearn.domain.interval import wilson_interval
from growlearn.domain.metric import MetricName
from growlearn.domain.refinement_score import LossChange, RefinementScore

ACCURACY = st.floats(0, 1)


def matrix(
    *rows: tuple[float | None, ...], single_task: tuple[float | None, ...] | None = None
) -> AccuracyMatrix:
    tasks = tuple(f"t{j}" for j in range(len(rows)))
    chance = (0.5,) * len(rows)
    return AccuracyMatrix(
        tasks=tasks,
        accuracy=rows,
        chance_level=chance,
        single_task=single_task if single_task is not None else (None,) * len(rows),
    )


@st.composite
def frozen(draw: st.DrawFn) -> AccuracyMatrix:
    """A model that never changes an answer: every column is constant from the diagonal down."""
    diagonal = draw(st.lists(ACCURACY, min_size=2, max_size=6))
    size = range(len(diagonal))
    return matrix(*(tuple(diagonal[j] if j <= i else None for j in size) for i in size))


@st.composite
def any_model(draw: st.DrawFn) -> AccuracyMatrix:
    size = draw(st.integers(2, 5))
    entries = draw(st.lists(st.lists(ACCURACY, min_size=size, max_size=size), min_size=size, max_size=size))
    return matrix(*(tuple(row) for row in entries))


@given(frozen())
def test_a_frozen_model_forgets_nothing_and_gains_nothing_backward(R: AccuracyMatrix) -> None:  # noqa: N803
    assert R.forgetting == 0
    assert R.backward_transfer == 0


@given(any_model())
def test_forgetting_is_at_least_what_is_lost_since_each_task_was_grown(R: AccuracyMatrix) -> None:  # noqa: N803
    assert R.forgetting is not None
    assert R.backward_transfer is not None
    assert R.forgetting >= -R.backward_transfer - 1e-12


@given(any_model())
def test_metrics_stay_within_their_bounds(R: AccuracyMatrix) -> None:  # noqa: N803
    assert R.average_accuracy is not None
    assert 0 <= R.average_accuracy <= 1
    for metric in (R.backward_transfer, R.forward_transfer, R.forgetting):
        assert metric is not None
        assert -1 <= metric <= 1


def test_three_tasks_by_hand() -> None:
    R = matrix((0.8, 0.6, None), (0.9, 0.7, 0.4), (0.6, 0.75, 0.95), single_task=(0.85, None, 0.9))  # noqa: N806
    assert R.average_accuracy == pytest.approx((0.6 + 0.75 + 0.95) / 3)
    assert R.backward_transfer == pytest.approx(((0.6 - 0.8) + (0.75 - 0.7)) / 2)
    assert R.forward_transfer == pytest.approx(((0.6 - 0.5) + (0.4 - 0.5)) / 2)
    assert R.forgetting == pytest.approx(((0.9 - 0.6) + (0.7 - 0.75)) / 2)
    assert R.intransigence == pytest.approx(((0.85 - 0.8) + (0.9 - 0.95)) / 2)


@given(any_model(), st.data())
def test_intransigence_compares_each_task_with_its_single_task_model(
    R: AccuracyMatrix,  # noqa: N803
    data: st.DataObject,
) -> None:
    """A better single-task model raises intransigence by its share."""
    count = len(R.tasks)
    single_task = data.draw(st.lists(ACCURACY, min_size=count, max_size=count))
    changed, gain = data.draw(st.integers(0, count - 1)), 0.25
    better = [accuracy + gain * (j == changed) for j, accuracy in enumerate(single_task)]
    before, after = (replace(R, single_task=tuple(accuracies)) for accuracies in (single_task, better))
    gaps = [single_task[j] - (R.accuracy[j][j] or 0.0) for j in range(count)]
    assert before.intransigence == pytest.approx(fmean(gaps))
    assert after.intransigence == pytest.approx(before.intransigence + gain / count)  # type: ignore[operator]


def test_one_task_has_an_average_and_no_transfer() -> None:
    R = matrix((0.8,))  # noqa: N806
    assert R.average_accuracy == 0.8
    assert (R.backward_transfer, R.forward_transfer, R.forgetting, R.intransigence) == (None,) * 4


def test_no_task_has_no_metric() -> None:
    R = build_accuracy_matrix(())  # noqa: N806
    metrics = (R.average_accuracy, R.backward_transfer, R.forward_transfer, R.forgetting, R.intransigence)
    assert (R.tasks, R.accuracy, metrics) == ((), (), (None,) * 5)


def test_a_missing_entry_below_the_diagonal_is_named() -> None:
    with pytest.raises(ValueError, match=r"R\[1\]\[0\] was not measured"):
        _ = matrix((0.8, None), (None, 0.9)).forgetting


def make_score(task: str, correct: int) -> TaskScore:
    return TaskScore(task=task, correct=correct, rows=10)


def test_the_matrix_is_built_from_one_evaluation_a_growth() -> None:
    first = Evaluation(
        task="a",
        task_scores=(make_score("a", 9),),
        initial=make_score("a", 1),
        chance_level=0.1,
        single_task=make_score("a", 10),
    )
    second = Evaluation(
        task="b",
        task_scores=(make_score("a", 8), make_score("b", 7)),
        initial=make_score("b", 4),
        chance_level=0.5,
        single_task=None,
    )
    R = build_accuracy_matrix((first, second))  # noqa: N806
    assert R.tasks == ("a", "b")
    assert R.accuracy == ((0.9, 0.4), (0.8, 0.7))
    assert R.chance_level == (0.1, 0.5)
    assert R.single_task == (1.0, None)
    assert R.intervals == (
        (wilson_interval(9, 10), wilson_interval(4, 10)),
        (wilson_interval(8, 10), wilson_interval(7, 10)),
    )


@given(st.lists(st.integers(0, 10), min_size=1, max_size=6))
def test_the_average_of_the_last_row_is_the_average_accuracy(correct: list[int]) -> None:
    names = [f"t{j}" for j in range(len(correct))]
    grown = tuple(
        Evaluation(
            task=name,
            task_scores=tuple(
                make_score(task, count) for task, count in zip(names[: i + 1], correct, strict=False)
            ),
            initial=make_score(name, 0),
            chance_level=0.1,
        )
        for i, name in enumerate(names)
    )
    assert build_accuracy_matrix(grown).average_accuracy == pytest.approx(fmean(correct) / 10)


def test_an_evaluation_answers_by_task() -> None:
    evaluation = Evaluation(
        task="a", task_scores=(make_score("a", 9),), initial=make_score("a", 1), chance_level=0.1
    )
    assert evaluation.accuracy("a") == 0.9
    with pytest.raises(KeyError):
        evaluation.accuracy("b")


def test_a_consolidation_replaces_the_row_of_the_newest_task() -> None:
    def measured(*correct: int) -> Evaluation:
        scores = tuple(TaskScore(task=f"t{j}", correct=count, rows=100) for j, count in enumerate(correct))
        return Evaluation(task=scores[-1].task, task_scores=scores, initial=scores[-1], chance_level=0.5)

    first, second, third = measured(90), measured(90, 80), measured(89, 81, 70)
    consolidated = replace(measured(89, 81), teacher=second.task_scores)
    R = build_accuracy_matrix((first, second, consolidated, third))  # noqa: N806
    assert R.tasks == ("t0", "t1", "t2")
    assert R.accuracy == ((0.9, 0.8, None), (0.89, 0.81, 0.7), (0.89, 0.81, 0.7))
    assert R.intervals[1][:2] == (wilson_interval(89, 100), wilson_interval(81, 100))
    assert R.intervals[0][2] is None
    assert R.forgetting == pytest.approx((0.01 + 0.0) / 2)


def make_change(rows: int = 10) -> LossChange:
    return LossChange(
        rows=rows, loss_before=0.5, loss_after=0.4, p_decrease=0.01, p_increase=0.99,
        accuracy_before=0.8, accuracy_after=0.9, p_accuracy_drop=1.0,
    )  # fmt: skip


def test_a_refinement_replaces_the_row_of_the_newest_task_and_measures_earlier_rows_again() -> None:
    """Task `a` has 10 hold-out rows, 9 of them right; refined, 17 of its 20; its version before, 16."""
    a, b = make_score("a", 9), make_score("b", 7)
    first = Evaluation(task="a", task_scores=(a,), initial=make_score("a", 1), chance_level=0.1)
    second = Evaluation(task="b", task_scores=(a, b), initial=make_score("b", 4), chance_level=0.5)
    refined_a = TaskScore(task="a", correct=17, rows=20)
    refined = Evaluation(
        task="a",
        task_scores=(refined_a, b),
        initial=a,
        chance_level=0.1,
        best_existing=TaskScore(task="a", correct=16, rows=20),
        refinement=RefinementScore(
            earlier=make_change(), new=make_change(), both=make_change(20), alpha=0.05
        ),
    )
    assert (first.opens_task, refined.opens_task) == (True, False)
    assert build_accuracy_matrix((first, refined)).accuracy == ((0.85,),)
    R = build_accuracy_matrix((first, second, refined))  # noqa: N806
    assert R.tasks == ("a", "b")
    assert R.accuracy == ((0.8, 0.4), (0.85, 0.7))
    assert R.forgetting == pytest.approx(-0.05)
    assert R.backward_transfer == pytest.approx(0.05)
    assert R.average_accuracy == pytest.approx((0.85 + 0.7) / 2)
    third = Evaluation(
        task="c", task_scores=(refined_a, b, make_score("c", 5)), initial=make_score("c", 2), chance_level=0.5
    )
    assert build_accuracy_matrix((first, second, refined, third)).accuracy[1:] == (
        (0.85, 0.7, 0.2),
        (0.85, 0.7, 0.5),
    )


def test_two_tests_of_a_refinement_share_its_level() -> None:
    score = RefinementScore(
        earlier=make_change(), new=replace(make_change(), p_decrease=0.3), both=make_change(), alpha=0.05
    )
    assert score.p_decrease == 0.02
    assert replace(score, new=None).p_decrease == 0.01


@pytest.mark.parametrize(
    ("p_increase", "p_accuracy_drop", "p_decrease", "loss_after", "opened_loss", "keeps"),
    [
        (0.06, 0.01, 0.9, 0.6, None, True),
        (0.01, 0.06, 0.01, 0.4, None, True),
        (0.01, 0.01, 0.01, 0.4, None, False),
        (0.01, 0.06, 0.06, 0.4, None, False),
        (0.01, 0.01, 0.06, 0.4, 0.39, True),
        (0.01, 0.01, 0.06, 0.6, 0.39, False),
    ],
    ids=[
        "within chance", "made up for", "accuracy lost", "not made up for", "no new task is much better",
        "no fall at all",
    ],
)  # fmt: skip
def test_earlier_rows_may_lose_what_all_rows_make_up_for(
    p_increase: float,
    p_accuracy_drop: float,
    p_decrease: float,
    loss_after: float,
    opened_loss: float | None,
    keeps: bool,
) -> None:
    score = RefinementScore(
        earlier=replace(make_change(), p_increase=p_increase, p_accuracy_drop=p_accuracy_drop),
        new=make_change(),
        both=replace(make_change(), p_decrease=p_decrease, loss_before=0.5, loss_after=loss_after),
        alpha=0.05,
        after_drift=opened_loss is not None,
        opened_loss=opened_loss,
    )
    assert score.keeps_earlier_loss is keeps
    repeated = replace(score, is_repeated=True)
    assert repeated.keeps_earlier_loss is (keeps or (not score.after_drift and p_decrease < 0.05))


@pytest.mark.parametrize(
    ("earlier_after", "new_after", "promising"),
    [(0.55, 0.4, False), (0.60, 0.4, True), (0.5, 0.55, False), (0.5, 0.6, True), (0.55, 0.55, True)],
    ids=["too little is spared", "enough is spared", "new rows are well answered", "not well", "both add up"],
)
def test_a_new_task_is_tried_where_it_could_answer_all_rows_a_tenth_better(
    earlier_after: float, new_after: float, promising: bool
) -> None:
    """Half of the rows are earlier ones, of loss 0.5 before: a tenth of 0.4 on all is 0.08 of theirs."""
    score = RefinementScore(
        earlier=replace(make_change(), loss_after=earlier_after, p_increase=0.01, p_accuracy_drop=0.01),
        new=replace(make_change(), loss_after=new_after),
        both=replace(make_change(20), p_decrease=0.06),
        alpha=0.05,
        after_drift=True,
    )
    assert score.is_task_promising is promising
    assert score.keeps_earlier_loss is not promising
    assert not replace(score, after_drift=False).keeps_earlier_loss


def scored(task: str, value: float | None, metric: MetricName = MetricName.LOG_LOSS) -> TaskScore:
    return TaskScore(task=task, correct=9, rows=10, metric=metric, metric_value=value)


def by_log_loss(first: float | None = 0.2, later: float = 0.3) -> tuple[Evaluation, Evaluation]:
    return (
        Evaluation(
            task="a",
            task_scores=(scored("a", first),),
            initial=scored("a", 0.9),
            chance_level=0.5,
            single_task=scored("a", 0.1),
            metric_chance_level=0.7,
        ),
        Evaluation(
            task="b",
            task_scores=(scored("a", later), scored("b", 0.5)),
            initial=scored("b", 0.6),
            chance_level=0.5,
            metric_chance_level=0.7,
        ),
    )


def test_the_figures_of_a_metric_of_which_less_is_better_are_positive_where_something_was_gained() -> None:
    R = build_accuracy_matrix(by_log_loss())  # noqa: N806
    assert (R.metric, R.values) == (MetricName.LOG_LOSS, ((0.2, 0.6), (0.3, 0.5)))
    assert R.average_accuracy == 0.9
    assert R.average_value == pytest.approx(0.4)
    assert R.forgetting == pytest.approx(0.1)
    assert R.backward_transfer == pytest.approx(-0.1)
    assert R.forward_transfer == pytest.approx(0.1)  # 0.6 against 0.7 by chance
    assert R.intransigence == pytest.approx(0.1)


def test_a_figure_that_needs_a_value_that_is_not_defined_is_not_defined() -> None:
    R = build_accuracy_matrix(by_log_loss(first=None))  # noqa: N806
    assert R.values[0] == (None, 0.6)
    assert (R.forgetting, R.backward_transfer) == (None, None)
    assert R.average_value == pytest.approx(0.4)


def test_where_the_metric_was_changed_the_matrix_is_of_accuracy() -> None:
    first, second = by_log_loss()
    other = replace(
        second,
        task_scores=tuple(scored(s.task, 0.9, MetricName.ROC_AUC) for s in second.task_scores),
    )
    R = build_accuracy_matrix((first, other))  # noqa: N806
    assert (R.metric, R.values, R.metric_values) == (MetricName.ACCURACY, (), R.accuracy)
    assert R.chance_level == (0.5, 0.5)


def test_scores_are_compared_by_their_metric_or_by_accuracy_where_one_has_no_value() -> None:
    assert gain(scored("a", 0.2), scored("a", 0.5)) == pytest.approx(0.3)
    assert gain(scored("a", 0.2), scored("a", None)) == 0
    assert common_metric(scored("a", 0.2), make_score("a", 9)).is_accuracy
    with pytest.raises(ValueError, match="task 'a' has no value of log_loss"):
        scored("a", None).value_by(common_metric(scored("b", 0.1)))
