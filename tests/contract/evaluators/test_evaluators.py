"""What every evaluator must do: count right answers, exactly and alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from growlearn.adapters.avalanche.evaluator import AvalancheEvaluator
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.evaluator import PlainEvaluator
from growlearn.domain.errors import DamagedArtifact, UnknownName
from growlearn.domain.evaluation import Cell
from growlearn.domain.job import ModelSpec
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.schema import Input, InputType, Label, Schema
from growlearn.evaluation.answers import load
from growlearn.ingest.rows import Rows, object_column, row_keys, to_parquet
from growlearn.ports import Evaluator, Question

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER)})
CLASSES: dict[str, tuple[Label, ...]] = {"pair": (4, 7), "words": ("a", "b", "c"), "ten": tuple(range(10))}


class Rounding:
    """A model that answers the class at place round(x): right where the row was made so."""

    def logits(self, rows: Rows, task: str) -> npt.NDArray[np.float32]:
        places = np.arange(len(CLASSES[task]))
        distance: npt.NDArray[np.float32] = -np.abs(rows.inputs["x"][:, None] - places).astype(np.float32)
        return distance


def manifest() -> Manifest:
    heads = tuple(
        TaskHead(name=name, classes=classes, lineage=("b1",), sha256="0" * 64)
        for name, classes in CLASSES.items()
    )
    return Manifest(stream="s", schema=SCHEMA, model=ModelSpec(), branches=(), tasks=heads)


def store(artifacts: MemoryArtifacts, x: Sequence[float], labels: Sequence[Label | None]) -> str:
    inputs = {"x": np.array(x, dtype=np.float64)}
    rows = Rows(inputs, object_column(labels), None, row_keys(inputs, SCHEMA))
    return artifacts.put(to_parquet(rows, SCHEMA))


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


@pytest.fixture(params=[PlainEvaluator, AvalancheEvaluator])
def evaluator(request: pytest.FixtureRequest, artifacts: MemoryArtifacts) -> Evaluator:
    made: Evaluator = request.param(artifacts, lambda _: Rounding())
    return made


def ask(evaluator: Evaluator, *questions: Question) -> list[Cell]:
    """The cells, without where their answers are stored."""
    return [replace(cell, answers=None) for cell in evaluator.evaluate(manifest(), questions)]


def test_right_answers_are_counted(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0, 1, 2, 1], ["a", "b", "c", "c"])
    assert ask(evaluator, Question(task="words", rows=rows)) == [Cell(task="words", correct=3, rows=4)]


def test_every_question_has_its_cell_in_order(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    words = Question(task="words", rows=store(artifacts, [0, 1, 2], ["a", "b", "a"]))
    pair = Question(task="pair", rows=store(artifacts, [0, 1], [4, 4]))
    ten = Question(task="ten", rows=store(artifacts, range(10), range(10)))
    assert ask(evaluator, ten, words, pair, words) == [
        Cell(task="ten", correct=10, rows=10),
        Cell(task="words", correct=2, rows=3),
        Cell(task="pair", correct=1, rows=2),
        Cell(task="words", correct=2, rows=3),
    ]


def test_rows_without_a_label_are_not_counted(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0, 1, 2], ["a", None, "a"])
    assert ask(evaluator, Question(task="words", rows=rows)) == [Cell(task="words", correct=1, rows=2)]


def test_a_class_that_the_head_lacks_is_answered_wrong(
    evaluator: Evaluator, artifacts: MemoryArtifacts
) -> None:
    rows = store(artifacts, [0, 1, 2, 3], ["a", "b", "d", "e"])
    assert ask(evaluator, Question(task="words", rows=rows)) == [Cell(task="words", correct=2, rows=4)]


def test_a_tie_goes_to_the_first_class(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0.5, 0.5], [4, 7])
    assert ask(evaluator, Question(task="pair", rows=rows)) == [Cell(task="pair", correct=1, rows=2)]


def test_every_answer_is_stored_row_by_row(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0, 1, 2, 1, 0], ["a", "b", "a", "d", None])

    (cell,) = evaluator.evaluate(manifest(), [Question(task="words", rows=rows)])

    assert cell.answers is not None
    stored = load(artifacts.get(cell.answers))
    assert stored.truth.tolist() == [0, 1, 0, 3]
    assert stored.logits.dtype == np.float32
    assert stored.logits.tolist() == [[0, -1, -2], [-1, 0, -1], [-2, -1, 0], [-1, 0, -1]]
    assert stored.right.tolist() == [True, True, False, False]


def test_equal_answers_are_stored_once(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    question = Question(task="words", rows=store(artifacts, [0, 1], ["a", "b"]))
    first, second = evaluator.evaluate(manifest(), [question, question])
    assert first.answers == second.answers


@pytest.mark.parametrize("labels", [[], [None, None]])
def test_no_labelled_row_is_no_row(
    evaluator: Evaluator, artifacts: MemoryArtifacts, labels: list[Label | None]
) -> None:
    empty = Question(task="words", rows=store(artifacts, range(len(labels)), labels))
    some = Question(task="pair", rows=store(artifacts, [0], [4]))
    assert ask(evaluator, empty, some) == [
        Cell(task="words", correct=0, rows=0),
        Cell(task="pair", correct=1, rows=1),
    ]


def test_no_question_has_no_answer(evaluator: Evaluator) -> None:
    assert ask(evaluator) == []


def test_an_unknown_task_is_named(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    with pytest.raises(UnknownName, match="no task 'other'"):
        ask(evaluator, Question(task="other", rows=store(artifacts, [0], ["a"])))


def test_missing_rows_are_an_error(evaluator: Evaluator) -> None:
    with pytest.raises(DamagedArtifact):
        ask(evaluator, Question(task="words", rows="0" * 64))


def test_nothing_is_printed(
    evaluator: Evaluator, artifacts: MemoryArtifacts, capfd: pytest.CaptureFixture[str]
) -> None:
    ask(evaluator, Question(task="pair", rows=store(artifacts, [0], [4])))
    assert capfd.readouterr() == ("", "")


def test_both_count_alike_however_many_rows_there_are(artifacts: MemoryArtifacts) -> None:
    """More rows than fit Avalanche's batch, so that its running mean is rounded on the way."""
    rng = np.random.default_rng(0)
    questions = [
        Question(
            task="ten", rows=store(artifacts, rng.uniform(0, 9, n).tolist(), rng.integers(0, 12, n).tolist())
        )
        for n in (1, 3, 4095, 4097, 9001)
    ]
    counts: list[Any] = [
        kind(artifacts, lambda _: Rounding()).evaluate(manifest(), questions)
        for kind in (PlainEvaluator, AvalancheEvaluator)
    ]
    assert counts[0] == counts[1]
