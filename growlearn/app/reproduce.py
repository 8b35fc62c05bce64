"""Retrains a version from stored data and compares the two; nothing stored is changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from growlearn.domain.device import AUTO, CPU
from growlearn.domain.environment import EnvironmentDifference, compare_environments
from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Version
from growlearn.growth.environment import use_threads
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.network.devices import find_recorded_device
from growlearn.network.model_diff import ModelDiff, ReproductionStatus, diff_models, list_part_digests
from growlearn.ports import Artifacts, Engine, ProgressCallback, Store
from growlearn.registry.provenance import HOLDOUT, get_data_hashes
from growlearn.registry.records import CandidatePlan, CandidateResult, make_candidate_manifest
from growlearn.registry.version_tree import get_version


@dataclass(frozen=True)
class ScratchTraining:
    """An engine that writes weights to `artifacts` only, which also reads the stored ones."""

    engine: Engine
    artifacts: Artifacts


OpenScratchTraining = Callable[[Path, int, str], ScratchTraining]
"""Opens a ScratchTraining in an empty folder, with the given number of threads and device."""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """The result of reproducing a version.

    `environment_differences` is None where the training environment was not recorded; `seconds` is the
    training time. `device` trained; the outputs of both models are compared on the CPU.
    """

    version: Version
    branches: tuple[str, ...]
    model_diff: ModelDiff
    tolerance: float
    environment_differences: tuple[EnvironmentDifference, ...] | None
    threads: int
    device: str
    seconds: float

    @property
    def status(self) -> ReproductionStatus:
        """The verdict."""
        return self.model_diff.status(self.tolerance)


def reproduce_version(
    store: Store,
    artifacts: Artifacts,
    open_scratch_training: OpenScratchTraining,
    stream: str,
    number: int,
    tolerance: float,
    on_progress: ProgressCallback,
) -> Reproduction:
    """Retrain a version's newest branches with the recorded plan, threads and type of device, and compare.

    On the CPU where this machine has no device of that type.
    It works in a temporary folder, so it resumes from no checkpoint. Raises NotFound, and GrowLearnError
    where the database or the artifacts lack something it needs.
    """
    version = get_version(store.versions(store.stream(stream).name), number)
    plan, recorded = _load_recorded_training(store, version)
    _require_artifacts(version, plan, artifacts)
    with TemporaryDirectory(prefix="growlearn-") as folder, use_threads(recorded.threads):
        device = find_recorded_device(CPU if recorded.environment is None else recorded.environment.device)
        scratch_training = open_scratch_training(Path(folder), recorded.threads, str(device))
        started = time.perf_counter()
        result = _train(plan, scratch_training.engine, on_progress)
        seconds = time.perf_counter() - started
        reproduced_manifest = replace(
            make_candidate_manifest(plan, result), replaced_tasks=version.manifest.replaced_tasks
        )  # not part of training
        model_diff = diff_models(
            version.manifest,
            reproduced_manifest,
            scratch_training.artifacts.get,
            _load_validation_rows(plan, artifacts),
        )
    recorded_environment, current_environment = recorded.environment, result.environment
    return Reproduction(
        version=version,
        branches=tuple(branch.id for branch in recorded.branches),
        model_diff=model_diff,
        tolerance=tolerance,
        environment_differences=None
        if recorded_environment is None or current_environment is None
        else compare_environments(recorded_environment, current_environment),
        threads=recorded.threads,
        device=str(device),
        seconds=seconds,
    )


def _load_recorded_training(store: Store, version: Version) -> tuple[CandidatePlan, CandidateResult]:
    """The plan and the result that the database holds; raises GrowLearnError where it lacks one."""
    record = store.window_record(version.stream, version.window)
    if record.plan is None or record.result is None:
        raise GrowLearnError(
            f"the database does not hold the plan of version {version.number} of stream {version.stream!r}",
            hint="restore the database from a backup",
        )
    return record.plan, record.result


def _train(plan: CandidatePlan, engine: Engine, on_progress: ProgressCallback) -> CandidateResult:
    plan = replace(plan, growth=replace(plan.growth, device=AUTO))  # the engine's, which the record decided
    if isinstance(plan, GrowthPlan):
        return engine.run([plan], on_progress)[0]
    return engine.consolidate(plan, on_progress)


def _load_validation_rows(plan: CandidatePlan, artifacts: Artifacts) -> dict[str, Rows]:
    """The validation rows of each task that was trained."""
    if isinstance(plan, GrowthPlan):
        stored = {plan.task: plan.validation}
    else:
        stored = {task_data.task: task_data.validation for task_data in plan.task_data}
    return {
        task: from_parquet(artifacts.view(rows), plan.parent_manifest.schema) for task, rows in stored.items()
    }


def _require_artifacts(version: Version, plan: CandidatePlan, artifacts: Artifacts) -> None:
    """Raise GrowLearnError naming every stored file that is needed but missing or damaged."""
    rows = [
        (f"rows {name!r}", sha256)
        for name, sha256 in get_data_hashes(plan).items()
        if not name.endswith(HOLDOUT)
    ]
    models = [*list_part_digests(plan.parent_manifest).items(), *list_part_digests(version.manifest).items()]
    needed = dict.fromkeys((*rows, *models))  # both manifests may share parts
    missing = [
        f"{description} ({sha256})" for description, sha256 in needed if not _is_intact(sha256, artifacts)
    ]
    if missing:
        raise GrowLearnError(
            f"version {version.number} of stream {version.stream!r} cannot be reproduced: missing or damaged "
            f"in the artifacts are {', '.join(missing)}",
            hint="restore them from a backup; a version whose rows were deleted cannot be reproduced",
        )


def _is_intact(sha256: str, artifacts: Artifacts) -> bool:
    try:
        artifacts.get(sha256)
    except CorruptArtifact:
        return False
    return True
