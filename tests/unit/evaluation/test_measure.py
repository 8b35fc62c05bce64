from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Cell
from growlearn.domain.job import ModelSpec
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.evaluation.measure import best_known, measure, measure_again
from growlearn.ports import Question


def manifest(stream: str, task: str | None = "task") -> Manifest:
    heads = (
        TaskHead(name="a", classes=(0, 1), lineage=("b1",), sha256="h"),
        TaskHead(name="b", classes=(0, 1, 2, 3), lineage=("b1", "b2"), sha256="h"),
    )
    schema = Schema(inputs={"x": Input(type=InputType.NUMBER)}, task=task)
    return Manifest(stream=stream, schema=schema, model=ModelSpec(), branches=(), tasks=heads)


AFTER, BEFORE, ALONE = manifest("after"), manifest("before"), manifest("alone")
HOLDOUTS = (Question(task="a", rows="ra"), Question(task="b", rows="rb"))


class Counting:
    """Answers with stored counts and keeps what it was asked."""

    def __init__(self, rows: int = 10) -> None:
        self.rows = rows
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def evaluate(self, manifest: Manifest, questions: Sequence[Question]) -> Sequence[Cell]:
        self.asked.append((manifest.stream, tuple(question.rows for question in questions)))
        correct = {"after": 9, "before": 3, "alone": 8, "base": 7}[manifest.stream]
        return [
            Cell(task=question.task, correct=min(correct, self.rows), rows=self.rows)
            for question in questions
        ]


def test_the_candidate_answers_all_and_the_others_the_new_task_only() -> None:
    evaluator = Counting()
    measured = measure(AFTER, BEFORE, ALONE, None, "b", HOLDOUTS, evaluator)
    assert evaluator.asked == [("after", ("ra", "rb")), ("before", ("rb",)), ("alone", ("rb",))]
    assert (measured.accuracy("a"), measured.accuracy("b")) == (0.9, 0.9)
    assert measured.before == Cell(task="b", correct=3, rows=10)
    assert measured.alone == Cell(task="b", correct=8, rows=10)


def test_chance_is_one_of_the_new_task_s_classes() -> None:
    assert measure(AFTER, BEFORE, None, None, "a", HOLDOUTS, Counting()).chance == 1 / 2
    assert measure(AFTER, BEFORE, None, None, "b", HOLDOUTS, Counting()).chance == 1 / 4


def test_nothing_is_measured_alone_unless_asked_for() -> None:
    assert measure(AFTER, BEFORE, None, None, "b", HOLDOUTS, Counting()).alone is None


def test_an_empty_hold_out_is_refused_with_a_cure() -> None:
    with pytest.raises(GrowLearnError, match=r"'a' has no labelled row .*raise holdout"):
        measure(AFTER, BEFORE, None, None, "b", HOLDOUTS, Counting(rows=0))


def test_a_new_task_without_a_hold_out_is_refused() -> None:
    with pytest.raises(GrowLearnError, match="'b' has no hold-out rows"):
        measure(AFTER, BEFORE, None, None, "b", HOLDOUTS[:1], Counting())


def test_earlier_tasks_that_have_all_the_classes_answer_the_new_task_as_they_are() -> None:
    evaluator = Counting()
    assert best_known(manifest("base"), (0, 1), "rows", evaluator) == Cell(task="a", correct=7, rows=10)
    assert evaluator.asked.pop() == ("base", ("rows", "rows"))
    best_known(manifest("base"), (0, 1, 2, 3), "rows", evaluator)
    assert evaluator.asked.pop() == ("base", ("rows",))  # task a lacks two of its classes


def test_a_superseded_task_is_not_asked() -> None:
    base = replace(manifest("base"), superseded=("a",))
    evaluator = Counting()
    assert best_known(base, (0, 1), "rows", evaluator) == Cell(task="b", correct=7, rows=10)
    assert evaluator.asked == [("base", ("rows",))]


def test_a_base_without_such_a_task_is_not_asked() -> None:
    base, evaluator = replace(manifest("base"), tasks=manifest("base").tasks[:1]), Counting()
    assert best_known(base, (0, 1, 2, 3), "rows", evaluator) is None
    assert evaluator.asked == []


def test_what_is_known_is_kept_with_the_rest() -> None:
    known = Cell(task="a", correct=7, rows=10)
    assert measure(AFTER, BEFORE, None, known, "b", HOLDOUTS, Counting()).known == known


def test_a_consolidated_candidate_and_the_model_consolidated_answer_all() -> None:
    evaluator = Counting()
    base = manifest("base")
    measured = measure_again(AFTER, base, HOLDOUTS, evaluator)
    assert evaluator.asked == [("after", ("ra", "rb")), ("base", ("ra", "rb"))]
    assert [cell.correct for cell in measured.cells] == [9, 9]
    assert [cell.correct for cell in measured.taught] == [7, 7]
    assert (measured.task, measured.before, measured.chance) == ("b", measured.taught[1], 0.25)


class Routing(Counting):
    """Two rows less are right where the task is not told."""

    def evaluate(self, manifest: Manifest, questions: Sequence[Question]) -> Sequence[Cell]:
        cells = super().evaluate(manifest, questions)
        return [
            replace(cell, correct=cell.correct - 2 * question.routed)
            for cell, question in zip(cells, questions, strict=True)
        ]


def test_where_no_column_names_the_task_all_rows_are_answered_without_it_too() -> None:
    nameless = manifest("after", None)
    expected = (Cell(task="a", correct=7, rows=10), Cell(task="b", correct=7, rows=10))
    measured = measure(nameless, BEFORE, None, None, "b", HOLDOUTS, Routing())
    assert measured.routed == expected
    assert measure_again(nameless, BEFORE, HOLDOUTS, Routing()).routed == expected
    assert measure(AFTER, BEFORE, None, None, "b", HOLDOUTS, Routing()).routed == ()
    one = replace(nameless, tasks=nameless.tasks[1:])
    assert measure(one, BEFORE, None, None, "b", HOLDOUTS[1:], Routing()).routed == ()


def test_rows_of_a_superseded_task_are_not_answered_without_it() -> None:
    nameless = replace(manifest("after", None), superseded=("a",))
    assert measure(nameless, BEFORE, None, None, "b", HOLDOUTS, Routing()).routed == ()  # only one is left
    third = replace(nameless.tasks[1], name="c")
    three = replace(nameless, tasks=(*nameless.tasks, third))
    holdouts = (*HOLDOUTS, Question(task="c", rows="rc"))
    routed = measure(three, BEFORE, None, None, "c", holdouts, Routing()).routed
    assert [cell.task for cell in routed] == ["b", "c"]
