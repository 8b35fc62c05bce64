"""Every figure of a version, found again by asking its stored network anew, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from growlearn.domain.errors import DamagedArtifact, UnknownName
from growlearn.domain.evaluation import Flips
from growlearn.domain.job import WorthSpec
from growlearn.domain.lineage import Version
from growlearn.domain.window import WindowState
from growlearn.evaluation.figures.task import TaskFigures
from growlearn.growth.model.network import load_network
from growlearn.ingest.rows import from_parquet
from growlearn.registry.figures import figures_for
from tests.unit import test_consolidating
from tests.unit.test_cycle import Images, World, digits

Digits = tuple[Images, list[int | None]]
__all__ = ["digits"]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> World:
    """Upright digits, then turned ones."""
    images, labels = digits
    world = World(tmp_path_factory.mktemp("grown"))
    world.send("1.parquet", images[:450], labels[:450])
    turned = np.ascontiguousarray(np.rot90(images[450:900], axes=(1, 2)))
    assert world.send("2.parquet", turned, labels[450:900]).state is WindowState.PROMOTED
    return world


def figures(world: Any, number: int) -> dict[str, TaskFigures]:
    return {each.task: each for each in figures_for(world.store, world.artifacts, "digits", number)}


def asked_anew(world: Any, version: Version, task: str, rows_of: str) -> tuple[Any, list[Any]]:
    """Logits of a version's head for the hold-out of a task, and the labels."""
    holdout = next(each.holdout for each in world.store.tasks("digits") if each.name == rows_of)
    rows = from_parquet(world.artifacts.get(holdout), version.manifest.schema).labelled()
    return load_network(version.manifest, world.artifacts.get).logits(rows, task), rows.labels.tolist()


def right(world: Any, version: Version, task: str, rows_of: str) -> npt.NDArray[np.bool_]:
    logits, labels = asked_anew(world, version, task, rows_of)
    classes = version.manifest.task(task).classes
    answers = [classes[place] for place in logits.argmax(axis=1)]
    return np.array([answer == label for answer, label in zip(answers, labels, strict=True)])


def counted(task: str, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> Flips:
    return Flips(
        task=task,
        lost=sum(old and not new for old, new in zip(before, after, strict=True)),
        gained=sum(new and not old for old, new in zip(before, after, strict=True)),
        rows=len(after),
    )


def test_counts_and_calibration_are_those_of_the_network(grown: World) -> None:
    second = grown.store.versions("digits")[1]
    found = figures(grown, 2)
    assert list(found) == ["task-1", "task-2"]
    for task, each in found.items():
        logits, labels = asked_anew(grown, second, task, task)
        classes = list(second.manifest.task(task).classes)
        counts = [[0] * len(classes) for _ in range(len(classes) + 1)]
        odds = np.exp(logits.astype(float))
        sure = odds.max(axis=1) / odds.sum(axis=1)
        for row, label in zip(logits, labels, strict=True):
            counts[classes.index(label)][int(row.argmax())] += 1
        assert each.counts is not None
        assert each.counts.tolist() == counts
        assert (each.cell.rows, each.cell.correct) == (len(labels), right(grown, second, task, task).sum())
        assert each.calibration is not None
        held = sum(b.rows * b.confidence for b in each.calibration.bins) / len(labels)
        assert held == pytest.approx(sure.mean())


def test_a_frozen_task_flips_nothing_and_a_new_one_flips_against_the_best_there_was(grown: World) -> None:
    first, second = grown.store.versions("digits")
    found = figures(grown, 2)
    kept, new = found["task-1"], found["task-2"]
    assert kept.flips == Flips(task="task-1", lost=0, gained=0, rows=kept.cell.rows)
    assert new.before is not None
    assert new.before.task == "task-1"
    before, after = right(grown, first, "task-1", "task-2"), right(grown, second, "task-2", "task-2")
    assert new.flips == counted("task-2", before, after)
    assert new.flips.gained > 0


def test_the_first_version_has_none_to_flip_against(grown: World) -> None:
    (only,) = figures(grown, 1).values()
    assert (only.before, only.flips) == (None, None)


def test_a_consolidated_version_flips_against_the_one_it_was_taught_by(tmp_path: Any) -> None:
    every_task_its_branch = replace(test_consolidating.JOB, worth=WorthSpec(rivals=()))
    world = test_consolidating.World(tmp_path, every_task_its_branch)
    world.send("a", "b")
    world.run()
    _, full, consolidated = world.store.versions("digits")
    for task, each in figures(world, consolidated.number).items():
        before, after = right(world, full, task, task), right(world, consolidated, task, task)
        assert each.flips == counted(task, before, after)


def test_an_unknown_version_and_lost_answers_are_named(grown: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="no version 3"):
        figures(grown, 3)
    lost = figures(grown, 2)["task-2"].cell.answers
    get = grown.artifacts.get

    def all_but_one(sha256: str) -> bytes:
        return get(sha256 if sha256 != lost else "0" * 64)

    monkeypatch.setattr(grown.artifacts, "get", all_but_one)
    with pytest.raises(DamagedArtifact):
        figures(grown, 2)
