from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import TaskScore
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.evaluation.evaluate import evaluate_candidate, evaluate_consolidated, score_best_existing_task
from growlearn.ports import EvalRequest


def manifest(stream: str, task: str | None = "task") -> Manifest:
    heads = (
        TaskHead(name="a", classes=(0, 1), lineage=("b1",), sha256="h"),
        TaskHead(name="b", classes=(0, 1, 2, 3), lineage=("b1", "b2"), sha256="h"),
    )
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, task=task)
    return Manifest(stream=stream, schema=schema, model=ModelConfig(), branches=(), tasks=heads)


CANDIDATE, INITIAL, SINGLE_TASK = manifest("candidate"), manifest("initial"), manifest("single task")
HOLDOUTS = (EvalRequest(task="a", rows="ra"), EvalRequest(task="b", rows="rb"))


class Counting:
    """Returns fixed counts and records the requests."""

    def __init__(self, rows: int = 10) -> None:
        self.rows = rows
        self.requested: list[tuple[str, tuple[str, ...]]] = []

    def evaluate(self, manifest: Manifest, requests: Sequence[EvalRequest]) -> Sequence[TaskScore]:
        self.requested.append((manifest.stream, tuple(request.rows for request in requests)))
        correct = {"candidate": 9, "initial": 3, "single task": 8, "parent": 7}[manifest.stream]
        return [
            TaskScore(task=request.task, correct=min(correct, self.rows), rows=self.rows)
            for request in requests
        ]


def test_the_candidate_is_scored_on_all_tasks_and_the_others_on_the_new_one() -> None:
    evaluator = Counting()
    evaluation = evaluate_candidate(CANDIDATE, INITIAL, SINGLE_TASK, None, "b", HOLDOUTS, evaluator)
    assert evaluator.requested == [
        ("candidate", ("ra", "rb")),
        ("initial", ("rb",)),
        ("single task", ("rb",)),
    ]
    assert (evaluation.accuracy("a"), evaluation.accuracy("b")) == (0.9, 0.9)
    assert evaluation.initial == TaskScore(task="b", correct=3, rows=10)
    assert evaluation.single_task == TaskScore(task="b", correct=8, rows=10)


def test_chance_is_one_of_the_new_task_s_classes() -> None:
    assert evaluate_candidate(CANDIDATE, INITIAL, None, None, "a", HOLDOUTS, Counting()).chance_level == 1 / 2
    assert evaluate_candidate(CANDIDATE, INITIAL, None, None, "b", HOLDOUTS, Counting()).chance_level == 1 / 4


def test_without_a_single_task_model_there_is_no_such_score() -> None:
    assert evaluate_candidate(CANDIDATE, INITIAL, None, None, "b", HOLDOUTS, Counting()).single_task is None


def test_an_empty_hold_out_is_an_error_with_a_hint() -> None:
    with pytest.raises(GrowLearnError, match=r"'a' has no labelled row .*raise holdout"):
        evaluate_candidate(CANDIDATE, INITIAL, None, None, "b", HOLDOUTS, Counting(rows=0))


def test_a_new_task_without_a_hold_out_is_an_error() -> None:
    with pytest.raises(GrowLearnError, match="'b' has no hold-out rows"):
        evaluate_candidate(CANDIDATE, INITIAL, None, None, "b", HOLDOUTS[:1], Counting())


def test_earlier_tasks_with_all_the_classes_are_scored_on_the_new_task() -> None:
    evaluator = Counting()
    assert score_best_existing_task(manifest("parent"), (0, 1), "rows", evaluator) == TaskScore(
        task="a", correct=7, rows=10
    )
    assert evaluator.requested.pop() == ("parent", ("rows", "rows"))
    score_best_existing_task(manifest("parent"), (0, 1, 2, 3), "rows", evaluator)
    assert evaluator.requested.pop() == ("parent", ("rows",))  # task a lacks two of its classes


def test_a_replaced_task_is_not_scored() -> None:
    parent = replace(manifest("parent"), replaced_tasks=("a",))
    evaluator = Counting()
    assert score_best_existing_task(parent, (0, 1), "rows", evaluator) == TaskScore(
        task="b", correct=7, rows=10
    )
    assert evaluator.requested == [("parent", ("rows",))]


def test_without_such_a_task_nothing_is_scored() -> None:
    parent, evaluator = replace(manifest("parent"), tasks=manifest("parent").tasks[:1]), Counting()
    assert score_best_existing_task(parent, (0, 1, 2, 3), "rows", evaluator) is None
    assert evaluator.requested == []


def test_the_best_existing_score_is_kept() -> None:
    best = TaskScore(task="a", correct=7, rows=10)
    assert evaluate_candidate(CANDIDATE, INITIAL, None, best, "b", HOLDOUTS, Counting()).best_existing == best


def test_a_consolidated_candidate_and_its_teacher_are_scored_on_all_tasks() -> None:
    evaluator = Counting()
    parent = manifest("parent")
    evaluation = evaluate_consolidated(CANDIDATE, parent, HOLDOUTS, evaluator)
    assert evaluator.requested == [("candidate", ("ra", "rb")), ("parent", ("ra", "rb"))]
    assert [score.correct for score in evaluation.task_scores] == [9, 9]
    assert [score.correct for score in evaluation.teacher] == [7, 7]
    assert (evaluation.task, evaluation.initial, evaluation.chance_level) == (
        "b",
        evaluation.teacher[1],
        0.25,
    )


class Routing(Counting):
    """Two fewer rows are correct where they are routed."""

    def evaluate(self, manifest: Manifest, requests: Sequence[EvalRequest]) -> Sequence[TaskScore]:
        scores = super().evaluate(manifest, requests)
        return [
            replace(score, correct=score.correct - 2 * request.routed)
            for score, request in zip(scores, requests, strict=True)
        ]


def test_without_a_task_column_all_rows_are_routed_too() -> None:
    nameless = manifest("candidate", None)
    expected = (TaskScore(task="a", correct=7, rows=10), TaskScore(task="b", correct=7, rows=10))
    evaluation = evaluate_candidate(nameless, INITIAL, None, None, "b", HOLDOUTS, Routing())
    assert evaluation.routed == expected
    assert evaluate_consolidated(nameless, INITIAL, HOLDOUTS, Routing()).routed == expected
    assert evaluate_candidate(CANDIDATE, INITIAL, None, None, "b", HOLDOUTS, Routing()).routed == ()
    one = replace(nameless, tasks=nameless.tasks[1:])
    assert evaluate_candidate(one, INITIAL, None, None, "b", HOLDOUTS[1:], Routing()).routed == ()


def test_rows_of_a_replaced_task_are_not_routed() -> None:
    nameless = replace(manifest("candidate", None), replaced_tasks=("a",))
    assert (
        evaluate_candidate(nameless, INITIAL, None, None, "b", HOLDOUTS, Routing()).routed == ()
    )  # only one is left
    third = replace(nameless.tasks[1], name="c")
    three = replace(nameless, tasks=(*nameless.tasks, third))
    holdouts = (*HOLDOUTS, EvalRequest(task="c", rows="rc"))
    routed = evaluate_candidate(three, INITIAL, None, None, "c", holdouts, Routing()).routed
    assert [score.task for score in routed] == ["b", "c"]


def test_rows_that_name_a_task_of_several_versions_are_routed_among_them() -> None:
    second = replace(CANDIDATE.tasks[0], name="a/2")
    versions = replace(CANDIDATE, tasks=(*CANDIDATE.tasks, second))
    holdouts = (*HOLDOUTS, EvalRequest(task="a/2", rows="ra2"))
    evaluation = evaluate_candidate(versions, INITIAL, None, None, "a/2", holdouts, Routing())
    assert [(score.task, score.correct) for score in evaluation.routed] == [("a", 7), ("a/2", 7)]
    assert evaluate_consolidated(versions, INITIAL, holdouts, Routing()).routed == evaluation.routed
