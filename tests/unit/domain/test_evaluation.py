from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.evaluation import AccuracyMatrix, Cell, Evaluation, matrix_of
from growlearn.domain.interval import wilson

ACCURACY = st.floats(0, 1)


def matrix(*rows: tuple[float | None, ...], alone: tuple[float | None, ...] | None = None) -> AccuracyMatrix:
    tasks = tuple(f"t{j}" for j in range(len(rows)))
    chance = (0.5,) * len(rows)
    return AccuracyMatrix(
        tasks=tasks, accuracy=rows, chance=chance, alone=alone if alone is not None else (None,) * len(rows)
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
    cells = draw(st.lists(st.lists(ACCURACY, min_size=size, max_size=size), min_size=size, max_size=size))
    return matrix(*(tuple(row) for row in cells))


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
def test_figures_stay_within_their_bounds(R: AccuracyMatrix) -> None:  # noqa: N803
    assert R.average_accuracy is not None
    assert 0 <= R.average_accuracy <= 1
    for figure in (R.backward_transfer, R.forward_transfer, R.forgetting):
        assert figure is not None
        assert -1 <= figure <= 1


def test_three_tasks_by_hand() -> None:
    R = matrix((0.8, 0.6, None), (0.9, 0.7, 0.4), (0.6, 0.75, 0.95), alone=(0.85, None, 0.9))  # noqa: N806
    assert R.average_accuracy == pytest.approx((0.6 + 0.75 + 0.95) / 3)
    assert R.backward_transfer == pytest.approx(((0.6 - 0.8) + (0.75 - 0.7)) / 2)
    assert R.forward_transfer == pytest.approx(((0.6 - 0.5) + (0.4 - 0.5)) / 2)
    assert R.forgetting == pytest.approx(((0.9 - 0.6) + (0.7 - 0.75)) / 2)
    assert R.intransigence == pytest.approx(((0.85 - 0.8) + (0.9 - 0.95)) / 2)


def test_forward_transfer_against_training_alone_leaves_the_first_task_out() -> None:
    """The first task has no earlier one that could have given it anything."""
    rows = (0.8, 0.6, None), (0.8, 0.7, 0.4), (0.8, 0.75, 0.95)
    R = matrix(*rows, alone=(0.5, 0.6, 0.97))  # noqa: N806
    assert R.forward_transfer_alone == pytest.approx(((0.7 - 0.6) + (0.95 - 0.97)) / 2)
    assert matrix(*rows, alone=(0.5, None, 0.97)).forward_transfer_alone == pytest.approx(0.95 - 0.97)
    assert matrix(*rows, alone=(0.5, None, None)).forward_transfer_alone is None
    assert matrix((0.8,), alone=(0.5,)).forward_transfer_alone is None


@given(any_model(), st.data())
def test_it_is_the_later_tasks_intransigence_turned_round(R: AccuracyMatrix, data: st.DataObject) -> None:  # noqa: N803
    alone = tuple(data.draw(st.lists(ACCURACY, min_size=len(R.tasks) - 1, max_size=len(R.tasks) - 1)))
    R = replace(R, alone=(None, *alone))  # noqa: N806
    assert R.intransigence is not None
    assert R.forward_transfer_alone == pytest.approx(-R.intransigence)


def test_one_task_has_an_average_and_no_transfer() -> None:
    R = matrix((0.8,))  # noqa: N806
    assert R.average_accuracy == 0.8
    assert (R.backward_transfer, R.forward_transfer, R.forgetting, R.intransigence) == (None,) * 4


def test_no_task_has_no_figure() -> None:
    R = matrix_of(())  # noqa: N806
    figures = (R.average_accuracy, R.backward_transfer, R.forward_transfer, R.forgetting, R.intransigence)
    assert (R.tasks, R.accuracy, figures) == ((), (), (None,) * 5)


def test_a_hole_below_the_diagonal_is_named() -> None:
    with pytest.raises(ValueError, match=r"R\[1\]\[0\] was not measured"):
        _ = matrix((0.8, None), (None, 0.9)).forgetting


def cell(task: str, correct: int) -> Cell:
    return Cell(task=task, correct=correct, rows=10)


def test_the_matrix_is_put_together_from_one_evaluation_a_growth() -> None:
    first = Evaluation(task="a", cells=(cell("a", 9),), before=cell("a", 1), chance=0.1, alone=cell("a", 10))
    second = Evaluation(
        task="b", cells=(cell("a", 8), cell("b", 7)), before=cell("b", 4), chance=0.5, alone=None
    )
    R = matrix_of((first, second))  # noqa: N806
    assert R.tasks == ("a", "b")
    assert R.accuracy == ((0.9, 0.4), (0.8, 0.7))
    assert R.chance == (0.1, 0.5)
    assert R.alone == (1.0, None)
    assert R.intervals == ((wilson(9, 10), wilson(4, 10)), (wilson(8, 10), wilson(7, 10)))


@given(st.lists(st.integers(0, 10), min_size=1, max_size=6))
def test_the_average_of_the_last_row_is_the_average_accuracy(correct: list[int]) -> None:
    names = [f"t{j}" for j in range(len(correct))]
    grown = tuple(
        Evaluation(
            task=name,
            cells=tuple(cell(each, count) for each, count in zip(names[: i + 1], correct, strict=False)),
            before=cell(name, 0),
            chance=0.1,
        )
        for i, name in enumerate(names)
    )
    assert matrix_of(grown).average_accuracy == pytest.approx(fmean(correct) / 10)


def test_an_evaluation_answers_by_task() -> None:
    evaluation = Evaluation(task="a", cells=(cell("a", 9),), before=cell("a", 1), chance=0.1)
    assert evaluation.accuracy("a") == 0.9
    with pytest.raises(KeyError):
        evaluation.accuracy("b")


def test_a_consolidation_measures_the_row_of_the_newest_task_again() -> None:
    def measured(*correct: int) -> Evaluation:
        cells = tuple(Cell(task=f"t{j}", correct=count, rows=100) for j, count in enumerate(correct))
        return Evaluation(task=cells[-1].task, cells=cells, before=cells[-1], chance=0.5)

    first, second, third = measured(90), measured(90, 80), measured(89, 81, 70)
    consolidated = replace(measured(89, 81), taught=second.cells)
    R = matrix_of((first, second, consolidated, third))  # noqa: N806
    assert R.tasks == ("t0", "t1", "t2")
    assert R.accuracy == ((0.9, 0.8, None), (0.89, 0.81, 0.7), (0.89, 0.81, 0.7))
    assert R.intervals[1][:2] == (wilson(89, 100), wilson(81, 100))
    assert R.intervals[0][2] is None
    assert R.forgetting == pytest.approx((0.01 + 0.0) / 2)
