"""Every metric of a version, compared with predictions of its network, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from growlearn.domain.errors import CorruptArtifact, NotFound
from growlearn.domain.evaluation import PredictionFlips
from growlearn.domain.lineage import Version
from growlearn.domain.window import WindowState
from growlearn.evaluation.metrics.task_metrics import TaskMetrics
from growlearn.ingest.rows import from_parquet
from growlearn.network.head_output import calibrate_logits
from growlearn.network.model.network import load_network
from growlearn.registry.version_metrics import load_version_metrics
from tests.unit import consolidated
from tests.unit.digits import Digits
from tests.unit.in_memory import JOB, NO_BASELINES, World


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> World:
    """Upright digits, then turned ones."""
    images, labels = digits
    world = World(tmp_path_factory.mktemp("grown"), replace(JOB, baseline_comparison=NO_BASELINES))
    world.send("1.parquet", images[:400], labels[:400])
    turned = np.ascontiguousarray(np.rot90(images[400:800], axes=(1, 2)))
    assert world.send("2.parquet", turned, labels[400:800]).state is WindowState.PROMOTED
    return world


def metrics_by_task(world: Any, number: int) -> dict[str, TaskMetrics]:
    return {item.task: item for item in load_version_metrics(world.store, world.artifacts, "digits", number)}


def predict_again(world: Any, version: Version, task: str, rows_of: str) -> tuple[Any, list[Any]]:
    """Calibrated logits of a version's head for the hold-out of a task, and the labels."""
    holdout = next(item.holdout for item in world.store.tasks("digits") if item.name == rows_of)
    rows = from_parquet(world.artifacts.get(holdout), version.manifest.schema).select_labelled()
    network, head = load_network(version.manifest, world.artifacts.get), version.manifest.task(task)
    return calibrate_logits(network.logits(rows, task), head.calibration), rows.labels.tolist()


def correct_rows(world: Any, version: Version, task: str, rows_of: str) -> npt.NDArray[np.bool_]:
    logits, labels = predict_again(world, version, task, rows_of)
    classes = version.manifest.task(task).classes
    predictions = [classes[index] for index in logits.argmax(axis=1)]
    return np.array([prediction == label for prediction, label in zip(predictions, labels, strict=True)])


def count(task: str, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> PredictionFlips:
    return PredictionFlips(
        task=task,
        negative_count=sum(old and not new for old, new in zip(before, after, strict=True)),
        positive_count=sum(new and not old for old, new in zip(before, after, strict=True)),
        rows=len(after),
    )


def test_confusion_and_calibration_are_those_of_the_network(grown: World) -> None:
    second = grown.store.versions("digits")[1]
    metrics = metrics_by_task(grown, 2)
    assert list(metrics) == ["task-1", "task-2"]
    for task, item in metrics.items():
        logits, labels = predict_again(grown, second, task, task)
        classes = list(second.manifest.task(task).classes)
        counts = [[0] * len(classes) for _ in range(len(classes) + 1)]
        exponentials = np.exp(logits.astype(float))
        confidence = exponentials.max(axis=1) / exponentials.sum(axis=1)
        for row, label in zip(logits, labels, strict=True):
            counts[classes.index(label)][int(row.argmax())] += 1
        assert item.confusion_matrix is not None
        assert item.confusion_matrix.tolist() == counts
        assert (item.task_score.rows, item.task_score.correct) == (
            len(labels),
            correct_rows(grown, second, task, task).sum(),
        )
        assert item.calibration is not None
        mean_confidence = sum(b.rows * b.confidence for b in item.calibration.bins) / len(labels)
        assert mean_confidence == pytest.approx(confidence.mean())


def test_a_frozen_task_has_no_flips_and_a_new_one_flips_against_the_best_existing_task(grown: World) -> None:
    first, second = grown.store.versions("digits")
    metrics = metrics_by_task(grown, 2)
    kept, new = metrics["task-1"], metrics["task-2"]
    assert kept.flips == PredictionFlips(
        task="task-1", negative_count=0, positive_count=0, rows=kept.task_score.rows
    )
    assert new.previous_score is not None
    assert new.previous_score.task == "task-1"
    before, after = (
        correct_rows(grown, first, "task-1", "task-2"),
        correct_rows(grown, second, "task-2", "task-2"),
    )
    assert new.flips == count("task-2", before, after)
    assert new.flips.positive_count > 0


def test_the_first_version_has_no_flips(grown: World) -> None:
    (only,) = metrics_by_task(grown, 1).values()
    assert (only.previous_score, only.flips) == (None, None)


def test_a_consolidated_version_flips_against_its_teacher(tmp_path: Any) -> None:
    world = consolidated.World(tmp_path)
    world.send("a", "b")
    world.run()
    _, full, distilled = world.store.versions("digits")
    for task, item in metrics_by_task(world, distilled.number).items():
        before, after = correct_rows(world, full, task, task), correct_rows(world, distilled, task, task)
        assert item.flips == count(task, before, after)


def test_an_unknown_version_and_missing_predictions_are_errors(
    grown: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="no version 3"):
        metrics_by_task(grown, 3)
    lost = metrics_by_task(grown, 2)["task-2"].task_score.logits_sha256
    get = grown.artifacts.get

    def all_but_one(sha256: str) -> bytes:
        return get(sha256 if sha256 != lost else "0" * 64)

    monkeypatch.setattr(grown.artifacts, "get", all_but_one)
    with pytest.raises(CorruptArtifact):
        metrics_by_task(grown, 2)
