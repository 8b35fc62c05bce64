"""Verifies a version: outputs of its rebuilt model against the outputs stored when it was made.

No version becomes champion later than at its birth without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

from growlearn.domain.device import CPU
from growlearn.domain.environment import (
    EnvironmentDifference,
    TrainingEnvironment,
    compare_environments,
)
from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.lineage import Version
from growlearn.growth.environment import capture_environment, use_threads
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.network.bitwise_check import (
    CROSS_DEVICE_TOLERANCE,
    compute_check_logits,
    max_differences,
    parse_task_name,
)
from growlearn.network.devices import describe_device, find_recorded_device, prepare_device
from growlearn.network.model import weights
from growlearn.network.model_cache import ModelCache
from growlearn.ports import Artifacts, Store
from growlearn.registry.version_tree import get_version, select_version_tasks

Outputs: TypeAlias = tuple[dict[str, Tensor], TrainingEnvironment]
RunComputation = Callable[[Callable[[], Outputs]], Outputs]
"""Calls what it is given, where nothing else computes: it changes the process's number of threads."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The result of checking a version's outputs again.

    `num_checked_tasks` is None where no outputs are stored. `output_differences` holds, by task, the largest
    absolute difference of an output where the two are not bit-equal; `missing_tasks` the tasks whose check
    rows were deleted. `environment_differences` is None where the training environment was not recorded.
    `device` computed the outputs, `recorded_device` the stored ones.
    """

    version: int
    num_checked_tasks: int | None = None
    output_differences: Mapping[str, float] = field(default_factory=dict)
    missing_tasks: tuple[str, ...] = ()
    environment_differences: tuple[EnvironmentDifference, ...] | None = None
    device: str = CPU
    recorded_device: str = CPU

    @property
    def is_verified(self) -> bool:
        """Whether every task was checked and its outputs are equal, as far as the devices allow."""
        return self.num_checked_tasks is not None and not self.changed_tasks and not self.missing_tasks

    @property
    def is_proven(self) -> bool:
        """Whether every task was checked, and any difference is as small as another environment explains."""
        if self.num_checked_tasks is None or self.missing_tasks:
            return False
        tolerance = CROSS_DEVICE_TOLERANCE if self.environment_differences else 0.0
        return all(self.output_differences[task] <= tolerance for task in self.changed_tasks)

    @property
    def changed_tasks(self) -> tuple[str, ...]:
        """Tasks with an output that differs by a bit, or on another device by more than 1e-4."""
        tolerance = 0.0 if self.device == self.recorded_device else CROSS_DEVICE_TOLERANCE
        return tuple(task for task, gap in self.output_differences.items() if gap > tolerance)


def verify_version(
    store: Store,
    artifacts: Artifacts,
    stream: str,
    number: int,
    run: RunComputation = lambda compute: compute(),
) -> Verification:
    """Rebuild a version from its stored weights and check its outputs, with the recorded threads and device.

    On the CPU where this machine has no device of the recorded type. A process that answers with other models
    meanwhile gives `run`.
    Raises NotFound, and CorruptArtifact where its weights or the stored outputs are missing.
    """
    version = get_version(store.versions(stream), number)
    result = store.window_record(stream, version.window).result
    if result is None or result.check_logits is None:
        return Verification(version=number)
    check_rows = _load_check_rows(store, artifacts, version)
    stored_outputs = weights.load_weights(artifacts.get(result.check_logits))
    expected = {
        name: output for name, output in stored_outputs.items() if parse_task_name(name) in check_rows
    }
    device = find_recorded_device(result.check_device)
    prepare_device(device)
    models, threads = ModelCache(artifacts, device), result.threads
    models.network(version.manifest)
    capture_environment(device)  # all but the threads is read once

    def compute() -> Outputs:
        with use_threads(threads):
            logits = compute_check_logits(version.manifest, check_rows, models)
            return logits, capture_environment(device)

    outputs, current_environment = run(compute)
    recorded_environment = result.environment
    return Verification(
        version=number,
        num_checked_tasks=len(check_rows),
        output_differences=max_differences(outputs, expected),
        missing_tasks=tuple(name for name in version.tasks if name not in check_rows),
        environment_differences=None
        if recorded_environment is None
        else compare_environments(recorded_environment, current_environment),
        device=describe_device(device),
        recorded_device=result.check_device,
    )


def find_refusal(store: Store, artifacts: Artifacts, stream: str, number: int) -> str | None:
    """Why a version may not become champion by itself: not loadable, or not proven; None where it may."""
    try:
        verification = verify_version(store, artifacts, stream, number)
    except CorruptArtifact as error:
        return error.message
    return None if verification.is_proven else describe_verification(verification)


def _load_check_rows(store: Store, artifacts: Artifacts, version: Version) -> dict[str, Rows]:
    """The check rows of each task of a version, where they are still stored."""
    check_rows = {}
    tasks = select_version_tasks(store.tasks(version.stream), store.versions(version.stream), version.number)
    for task in tasks:
        try:
            check_rows[task.name] = from_parquet(artifacts.view(task.reference_rows), version.manifest.schema)
        except CorruptArtifact:
            continue
    return check_rows


def describe_verification(verification: Verification) -> str:
    """One line: whether a version is verified and, if not, the known reasons."""
    if verification.num_checked_tasks is None:
        origin = f"version {verification.version} has no stored check logits"
        return f"not verified: {origin}"
    if verification.changed_tasks:
        differences = _describe_output_differences(verification, verification.num_checked_tasks)
        return f"not verified: {differences}; {_describe_environment(verification.environment_differences)}"
    checked = (
        "1 task gives its stored logits"
        if verification.num_checked_tasks == 1
        else f"{verification.num_checked_tasks} tasks give their stored logits"
    )
    match = _describe_match(verification)
    if verification.missing_tasks:
        names = ", ".join(map(repr, verification.missing_tasks))
        return f"partly verified: {checked} {match}, but the check rows of {names} are missing"
    return f"verified: {checked} {match}"


def _describe_match(verification: Verification) -> str:
    if verification.device == verification.recorded_device:
        return f"to the last bit on {verification.device}"
    return (
        f"within {CROSS_DEVICE_TOLERANCE:g} on {verification.device} (stored: {verification.recorded_device})"
    )


def _describe_output_differences(verification: Verification, num_checked_tasks: int) -> str:
    differences = verification.output_differences
    worst_task = max(differences, key=lambda task: differences[task])
    return (
        f"{len(verification.changed_tasks)} of {num_checked_tasks} tasks no longer give their stored logits "
        f"{_describe_match(verification)}; the largest difference is {differences[worst_task]:.2g}, of task "
        f"{worst_task!r}"
    )


def _describe_environment(environment_differences: tuple[EnvironmentDifference, ...] | None) -> str:
    if environment_differences is None:
        return "the environment it was trained in was not recorded"
    if not environment_differences:
        return "code, packages, processor and threads are those it was made with"
    changes = ", ".join(
        f"{difference.name} {difference.recorded or 'none'} (now {difference.current or 'none'})"
        for difference in environment_differences
    )
    return f"it was made with {changes}"
