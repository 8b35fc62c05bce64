"""What every evaluator must do: count correct predictions, exactly and alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from growlearn.adapters.avalanche.evaluator import AvalancheEvaluator
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.evaluator import NumpyEvaluator
from growlearn.domain.errors import CorruptArtifact, NotFound
from growlearn.domain.evaluation import TaskScore
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.evaluation.predictions import load_predictions
from growlearn.ingest.rows import Rows, hash_rows, object_column, to_parquet
from growlearn.network.model_cache import ModelCache
from growlearn.ports import EvalRequest, Evaluator

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
CLASSES: dict[str, tuple[Label, ...]] = {"pair": (4, 7), "words": ("a", "b", "c"), "ten": tuple(range(10))}


class Rounding:
    """A model that predicts the class at index round(x)."""

    def logits(self, rows: Rows, task: str) -> npt.NDArray[np.float32]:
        indices = np.arange(len(CLASSES[task]))
        distance: npt.NDArray[np.float32] = -np.abs(rows.inputs["x"][:, None] - indices).astype(np.float32)
        return distance


class RoundingModels(ModelCache):
    """Returns that model for every manifest."""

    def network(self, manifest: Manifest) -> Any:
        return Rounding()


def manifest() -> Manifest:
    heads = tuple(
        TaskHead(name=name, classes=classes, lineage=("b1",), sha256="0" * 64)
        for name, classes in CLASSES.items()
    )
    return Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=heads)


def store(artifacts: MemoryArtifacts, x: Sequence[float], labels: Sequence[Label | None]) -> str:
    inputs = {"x": np.array(x, dtype=np.float64)}
    rows = Rows(inputs, object_column(labels), None, hash_rows(inputs, SCHEMA))
    return artifacts.put(to_parquet(rows, SCHEMA))


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


@pytest.fixture(params=[NumpyEvaluator, AvalancheEvaluator])
def evaluator(request: pytest.FixtureRequest, artifacts: MemoryArtifacts) -> Evaluator:
    instance: Evaluator = request.param(RoundingModels(artifacts))
    return instance


def score(evaluator: Evaluator, *requests: EvalRequest) -> list[TaskScore]:
    """The task scores, without the hashes of their stored logits."""
    return [
        replace(task_score, logits_sha256=None) for task_score in evaluator.evaluate(manifest(), requests)
    ]


def test_correct_predictions_are_counted(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0, 1, 2, 1], ["a", "b", "c", "c"])
    assert score(evaluator, EvalRequest(task="words", rows=rows)) == [
        TaskScore(task="words", correct=3, rows=4)
    ]


def test_every_request_has_its_score_in_order(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    words = EvalRequest(task="words", rows=store(artifacts, [0, 1, 2], ["a", "b", "a"]))
    pair = EvalRequest(task="pair", rows=store(artifacts, [0, 1], [4, 4]))
    ten = EvalRequest(task="ten", rows=store(artifacts, range(10), range(10)))
    assert score(evaluator, ten, words, pair, words) == [
        TaskScore(task="ten", correct=10, rows=10),
        TaskScore(task="words", correct=2, rows=3),
        TaskScore(task="pair", correct=1, rows=2),
        TaskScore(task="words", correct=2, rows=3),
    ]


def test_rows_without_a_label_are_not_counted(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0, 1, 2], ["a", None, "a"])
    assert score(evaluator, EvalRequest(task="words", rows=rows)) == [
        TaskScore(task="words", correct=1, rows=2)
    ]


def test_a_class_that_the_head_lacks_counts_as_wrong(
    evaluator: Evaluator, artifacts: MemoryArtifacts
) -> None:
    rows = store(artifacts, [0, 1, 2, 3], ["a", "b", "d", "e"])
    assert score(evaluator, EvalRequest(task="words", rows=rows)) == [
        TaskScore(task="words", correct=2, rows=4)
    ]


def test_a_tie_goes_to_the_first_class(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0.5, 0.5], [4, 7])
    assert score(evaluator, EvalRequest(task="pair", rows=rows)) == [
        TaskScore(task="pair", correct=1, rows=2)
    ]


def test_every_prediction_is_stored_row_by_row(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    rows = store(artifacts, [0, 1, 2, 1, 0], ["a", "b", "a", "d", None])

    (task_score,) = evaluator.evaluate(manifest(), [EvalRequest(task="words", rows=rows)])

    assert task_score.logits_sha256 is not None
    stored = load_predictions(artifacts.get(task_score.logits_sha256))
    assert stored.targets.tolist() == [0, 1, 0, 3]
    assert stored.logits.dtype == np.float32
    assert stored.logits.tolist() == [[0, -1, -2], [-1, 0, -1], [-2, -1, 0], [-1, 0, -1]]
    assert stored.correct.tolist() == [True, True, False, False]


def test_equal_predictions_are_stored_once(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    request = EvalRequest(task="words", rows=store(artifacts, [0, 1], ["a", "b"]))
    first, second = evaluator.evaluate(manifest(), [request, request])
    assert first.logits_sha256 == second.logits_sha256


@pytest.mark.parametrize("labels", [[], [None, None]])
def test_no_labelled_row_is_no_row(
    evaluator: Evaluator, artifacts: MemoryArtifacts, labels: list[Label | None]
) -> None:
    empty = EvalRequest(task="words", rows=store(artifacts, range(len(labels)), labels))
    some = EvalRequest(task="pair", rows=store(artifacts, [0], [4]))
    assert score(evaluator, empty, some) == [
        TaskScore(task="words", correct=0, rows=0),
        TaskScore(task="pair", correct=1, rows=1),
    ]


def test_no_request_has_no_score(evaluator: Evaluator) -> None:
    assert score(evaluator) == []


def test_an_unknown_task_is_named(evaluator: Evaluator, artifacts: MemoryArtifacts) -> None:
    with pytest.raises(NotFound, match="no task 'other'"):
        score(evaluator, EvalRequest(task="other", rows=store(artifacts, [0], ["a"])))


def test_missing_rows_are_an_error(evaluator: Evaluator) -> None:
    with pytest.raises(CorruptArtifact):
        score(evaluator, EvalRequest(task="words", rows="0" * 64))


def test_nothing_is_printed(
    evaluator: Evaluator, artifacts: MemoryArtifacts, capfd: pytest.CaptureFixture[str]
) -> None:
    score(evaluator, EvalRequest(task="pair", rows=store(artifacts, [0], [4])))
    assert capfd.readouterr() == ("", "")


def test_both_count_alike_however_many_rows_there_are(artifacts: MemoryArtifacts) -> None:
    """More rows than fit Avalanche's batch, so that its running mean is rounded on the way."""
    rng = np.random.default_rng(0)
    requests = [
        EvalRequest(
            task="ten", rows=store(artifacts, rng.uniform(0, 9, n).tolist(), rng.integers(0, 12, n).tolist())
        )
        for n in (1, 3, 4095, 4097, 9001)
    ]
    counts: list[Any] = [
        kind(RoundingModels(artifacts)).evaluate(manifest(), requests)
        for kind in (NumpyEvaluator, AvalancheEvaluator)
    ]
    assert counts[0] == counts[1]
