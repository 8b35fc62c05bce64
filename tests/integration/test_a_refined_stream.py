"""Six windows of one task, no row kept: the last model answers other rows better than the first."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import HoldoutFraction
from growlearn.domain.lineage import Version
from growlearn.domain.window import WindowState
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.registry.matrix import load_accuracy_matrix
from growlearn.serving.predictor import Predictor
from tests.unit.digits import SCHEMA, load_shuffled_digits
from tests.unit.in_memory import JOB, World

EDGES = (0, 120, 380, 640, 900, 1160, 1420)
JOB_OF_SIX = replace(JOB, refine=RefineConfig(min_rows=200), holdout=HoldoutFraction(fraction=0.25))


def test_six_windows_of_one_task_end_more_accurate_than_the_first(tmp_path: Path) -> None:
    images, labels = load_shuffled_digits()
    world = World(tmp_path, JOB_OF_SIX)
    for start, end in pairwise(EDGES):
        window = world.send(f"{start}.parquet", images[start:end], labels[start:end])
        assert window.task == "task-1", window.reason
    inputs = {"image": images[EDGES[-1] :][:, None]}
    test_rows = Rows(inputs, object_column(labels[EDGES[-1] :]), None, hash_rows(inputs, SCHEMA))

    def accuracy(version: Version) -> float:
        return float(Predictor(version.manifest, world.artifacts.get).is_correct(test_rows).mean())

    versions = world.store.versions("digits")
    assert accuracy(versions[-1]) > accuracy(versions[0]) + 0.05
    assert len(versions) <= 6
    assert all(len(version.manifest.task("task-1").lineage) <= 4 for version in versions)
    matrix = load_accuracy_matrix(world.store, "digits", versions[-1].number)
    assert matrix.tasks == ("task-1",)

    learned: list[str] = []
    for window in world.store.windows("digits"):
        plan = world.store.window_record("digits", window.id).plan
        if window.state is not WindowState.PROMOTED or not isinstance(plan, GrowthPlan):
            continue
        learned += (window.id,) if plan.refinement is None else plan.refinement.windows
    assert len(learned) == len(set(learned))  # each window's rows were learned from once


def test_no_hold_out_row_of_any_version_is_trained_on_in_another(tmp_path: Path) -> None:
    images, labels = load_shuffled_digits()
    world = World(tmp_path, JOB_OF_SIX)
    for start, end in pairwise(EDGES[:4]):
        world.send(f"{start}.parquet", images[start:end], labels[start:end])
    plans = [
        plan
        for window in world.store.windows("digits")
        if isinstance(plan := world.store.window_record("digits", window.id).plan, GrowthPlan)
    ]

    def hashes(sha256: str) -> set[int]:
        return set(world.ports.models.rows(sha256, SCHEMA).row_hashes.tolist())

    trained = set().union(*(hashes(plan.train) for plan in plans))
    held = set().union(*(hashes(plan.holdout) | hashes(plan.validation) for plan in plans))
    assert len(plans) >= 2
    assert not trained & held
