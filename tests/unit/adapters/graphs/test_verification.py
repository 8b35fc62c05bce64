"""A written file is refused where it answers otherwise than the version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from growlearn.adapters.graphs.verification import verify_file
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest
from growlearn.ingest.rows import Column
from growlearn.network.graph.prediction import PredictionGraph, list_answering_heads
from growlearn.network.model.network import load_network
from growlearn.network.router.router import load_router
from growlearn.serving.predictor import Predictor
from tests.noisy_models import TABLE, draw, grow

Arrays = Mapping[str, Column]
ROWS = draw(TABLE, 40, 9)
TOLERANCE = 1e-5


class Routed:
    """A model of two tasks, its graph, and what asks the graph."""

    def __init__(self, threshold: float | None = None) -> None:
        artifacts = MemoryArtifacts()
        manifest = grow(TABLE, {"a": (0, 1), "b": (0, 2)}, artifacts)
        tasks = tuple(replace(head, threshold=threshold) for head in manifest.tasks)
        self.manifest: Manifest = replace(manifest, tasks=tasks)
        network = load_network(self.manifest, artifacts.get)
        router = load_router(self.manifest, network.root_stem, artifacts.get)
        self.predictor = Predictor(self.manifest, artifacts.get)
        self.graph = PredictionGraph(
            self.manifest, network, router, list_answering_heads(self.manifest, None)
        ).eval()

    def ask(self, inputs: Arrays) -> dict[str, Column]:
        with torch.no_grad():
            outputs = self.graph({name: torch.from_numpy(array) for name, array in inputs.items()})
        return {name: tensor.numpy().copy() for name, tensor in outputs.items()}

    def verify(self, change: Callable[[dict[str, Column]], object]) -> object:
        def ask(inputs: Arrays) -> Arrays:
            outputs = self.ask(inputs)
            change(outputs)
            return outputs

        return verify_file(ask, self.graph, self.predictor, ROWS, None, TOLERANCE)


@pytest.fixture(scope="module")
def routed() -> Routed:
    return Routed()


def test_equal_answers_are_counted_and_measured(routed: Routed) -> None:
    sizes: list[int] = []
    verification = routed.verify(lambda outputs: sizes.append(len(outputs["task"])))
    assert sizes == [1, 2, 37]
    assert (verification.rows, verification.undecided) == (40, 0)  # type: ignore[attr-defined]
    assert verification.max_difference < 1e-6  # type: ignore[attr-defined]


def flip(outputs: dict[str, Column], name: str) -> None:
    outputs[name][-1] = 1 - min(outputs[name][-1], 1)


@pytest.mark.parametrize("name", ["prediction", "task"])
def test_another_class_or_task_is_refused(routed: Routed, name: str) -> None:
    with pytest.raises(GrowLearnError, match="3 of 40 rows have another class or task") as raised:
        routed.verify(lambda outputs: flip(outputs, name))
    assert "--format mlflow" in str(raised.value.hint)


@pytest.mark.parametrize("added", [1e-3, np.nan])
def test_another_probability_is_refused(routed: Routed, added: float) -> None:
    def change(outputs: dict[str, Column]) -> None:
        outputs["probabilities"][0, 0] += added

    with pytest.raises(GrowLearnError, match="0 of 40 rows have another class or task, and prob"):
        routed.verify(change)


@pytest.mark.parametrize("added", [1e-3, np.nan])
def test_another_probability_of_the_answer_itself_is_refused(routed: Routed, added: float) -> None:
    def change(outputs: dict[str, Column]) -> None:
        outputs["probability"][0] += added

    with pytest.raises(GrowLearnError, match="0 of 40 rows have another class or task, and prob"):
        routed.verify(change)


def test_a_class_that_rounding_decides_may_be_another(routed: Routed) -> None:
    expected = routed.predictor.answer(replace(ROWS, tasks=None), proba=True)
    last = expected.class_probabilities[-1]  # of the labels 0, 1, 2
    other = 1 if expected.task[-1] == "a" else 2
    undecided = Routed(threshold=float(last[other]) + 1e-7)
    undecided.verify(lambda _: None)

    def change(outputs: dict[str, Column]) -> None:
        if len(outputs["prediction"]) > 2:
            outputs["prediction"][-1] = other if outputs["prediction"][-1] == 0 else 0

    assert undecided.verify(change).undecided >= 1  # type: ignore[attr-defined]
