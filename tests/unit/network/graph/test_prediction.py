"""A graph of tensors answers as the predictor does, for every type of column that it can read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.errors import NotFound
from growlearn.domain.lineage import Manifest
from growlearn.ingest.rows import Rows, object_column
from growlearn.network.graph.prediction import PredictionGraph, list_answering_heads
from growlearn.network.model.network import load_network
from growlearn.network.router.router import load_router
from growlearn.network.truncation import truncate_model
from growlearn.serving.predictor import Predictor
from tests.noisy_models import EVERYTHING, TABLE, draw, grow

TASKS = {"upright": (0, 1, 7), "turned": (1, 2)}


def make_graph(manifest: Manifest, artifacts: MemoryArtifacts, task: str | None) -> PredictionGraph:
    network = load_network(manifest, artifacts.get)
    answering = list_answering_heads(manifest, task)
    router = load_router(manifest, network.root_stem, artifacts.get) if len(answering.heads) > 1 else None
    return PredictionGraph(manifest, network, router, answering).eval()


def compare(manifest: Manifest, artifacts: MemoryArtifacts, task: str | None, rows: Rows) -> None:
    """The same classes and tasks; probabilities but for rounding."""
    graph = make_graph(manifest, artifacts, task)
    predictor = Predictor(manifest, artifacts.get)
    tasks = None if task is None else object_column([task] * len(rows))
    expected = predictor.answer(replace(rows, tasks=tasks), proba=True)
    with torch.no_grad():
        outputs = graph(graph.inputs.encode(rows))
    labels = graph.answering.labels
    assert [labels[index] for index in outputs["prediction"]] == expected.prediction.tolist()
    np.testing.assert_allclose(outputs["probability"], expected.probability, atol=1e-6)
    columns = [predictor.labels.index(str(label)) for label in labels]
    np.testing.assert_allclose(outputs["probabilities"], expected.class_probabilities[:, columns], atol=1e-6)
    names = [head.name for head in graph.answering.heads]
    routed = outputs.get("task", torch.zeros(len(rows), dtype=torch.int64))
    assert [names[index] for index in routed] == expected.task.tolist()
    assert len(set(expected.prediction)) > 1, "the rows are all of one class and prove little"


@pytest.mark.parametrize("own_stems", [False, True])
@pytest.mark.parametrize("task", [None, "upright", "turned"])
def test_it_answers_as_the_predictor(task: str | None, own_stems: bool) -> None:
    artifacts = MemoryArtifacts()
    manifest = grow(EVERYTHING, TASKS, artifacts, own_stems=own_stems)
    compare(manifest, artifacts, task, draw(EVERYTHING, 60, 9, ("red", "green", "blue", "never seen")))


def test_a_task_name_stands_for_its_later_versions_too() -> None:
    artifacts = MemoryArtifacts()
    manifest = replace(grow(TABLE, {"a": ("x", "y"), "a/2": ("y", "z")}, artifacts), replaced_tasks=("a",))
    rows = draw(TABLE, 60, 9)
    compare(manifest, artifacts, "a", rows)
    assert [head.name for head in list_answering_heads(manifest, "a").heads] == ["a", "a/2"]
    assert [head.name for head in list_answering_heads(manifest, None).heads] == ["a/2"]


def test_labels_are_text_where_tasks_mix_numbers_and_text() -> None:
    manifest = grow(TABLE, {"a": (1, 2), "b": ("1", "z")}, MemoryArtifacts())
    answering = list_answering_heads(manifest, None)
    assert (answering.labels, answering.label_indices) == (("1", "2", "z"), ((0, 1), (0, 2)))
    assert list_answering_heads(manifest, "a").labels == ("1", "2")


def test_a_threshold_decides_as_in_the_predictor() -> None:
    artifacts = MemoryArtifacts()
    manifest = grow(TABLE, {"a": ("no", "yes")}, artifacts)
    rows = draw(TABLE, 60, 9)
    probabilities = Predictor(manifest, artifacts.get).answer(rows, proba=True).class_probabilities[:, 1]
    threshold = float(np.sort(probabilities)[40:42].mean())
    manifest = replace(manifest, tasks=(replace(manifest.tasks[0], threshold=threshold),))
    compare(manifest, artifacts, None, rows)


def test_a_truncated_model_answers_as_its_predictor() -> None:
    artifacts = MemoryArtifacts()
    manifest = grow(EVERYTHING, TASKS, artifacts)
    compare(truncate_model(manifest, 1, artifacts), artifacts, None, draw(EVERYTHING, 60, 9))


def test_it_holds_no_weights_that_its_tasks_do_not_read() -> None:
    artifacts = MemoryArtifacts()
    manifest = grow(TABLE, TASKS, artifacts, own_stems=True)
    names = make_graph(manifest, artifacts, "upright").state_dict()
    assert not [name for name in names if "b2" in name or name.startswith("router")]
    assert [name for name in make_graph(manifest, artifacts, "turned").state_dict() if "b2" in name]


def test_an_unknown_task_is_named_with_the_known_ones() -> None:
    manifest = grow(TABLE, TASKS, MemoryArtifacts())
    with pytest.raises(NotFound, match="no task 'b'") as raised:
        list_answering_heads(manifest, "b")
    assert raised.value.hint == "known tasks: upright, turned"
