"""A version made again from what is stored, beside the record and without touching it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from growlearn.domain.circumstances import Difference, differences
from growlearn.domain.errors import DamagedArtifact, GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Version
from growlearn.growth.circumstances import threads
from growlearn.growth.reproduction import Comparison, Likeness, compare, parts_of
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.ports import Artifacts, Engine, Report, Store
from growlearn.registry.ancestry import find
from growlearn.registry.candidate import Plan, Result, manifest_of
from growlearn.registry.provenance import HOLDOUT, data_of


@dataclass(frozen=True)
class Workshop:
    """An engine whose weights land in `artifacts` alone, where what is recorded can be read as well."""

    engine: Engine
    artifacts: Artifacts


OpenWorkshop = Callable[[Path, int], Workshop]
"""A workshop in an empty folder, which trains with so many threads."""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What came of making a version again.

    `differences` are those of the circumstances, None where the recorded ones are not known; `seconds` are
    of the training.
    """

    version: Version
    branches: tuple[str, ...]
    comparison: Comparison
    tolerance: float
    differences: tuple[Difference, ...] | None
    threads: int
    seconds: float

    @property
    def likeness(self) -> Likeness:
        """The verdict."""
        return self.comparison.likeness(self.tolerance)


def reproduce(
    store: Store,
    artifacts: Artifacts,
    open_workshop: OpenWorkshop,
    stream: str,
    number: int,
    tolerance: float,
    report: Report,
) -> Reproduction:
    """Train a version's newest branches anew, with the recorded plan and number of threads, and compare.

    All of it in a folder that is gone at the end, so from no checkpoint. Raises UnknownName, and
    GrowLearnError where the record or the artifacts lack what it takes.
    """
    version = find(store.versions(stream), number)
    record = store.record(stream, version.window)
    plan, recorded = record.plan, record.result
    if plan is None or recorded is None:
        raise GrowLearnError(
            f"the record does not say how version {number} of stream {stream!r} was made",
            cure="restore the database from a backup",
        )
    _require_all(version, plan, artifacts)
    with TemporaryDirectory(prefix="growlearn-") as folder, threads(recorded.threads):
        workshop = open_workshop(Path(folder), recorded.threads)
        started = time.perf_counter()
        result = _trained(plan, workshop.engine, report)
        seconds = time.perf_counter() - started
        again = replace(manifest_of(plan, result), superseded=version.manifest.superseded)  # not trained
        comparison = compare(version.manifest, again, workshop.artifacts.get, _rows(plan, artifacts))
    known, here = recorded.circumstances, result.circumstances
    return Reproduction(
        version=version,
        branches=tuple(branch.id for branch in recorded.branches),
        comparison=comparison,
        tolerance=tolerance,
        differences=None if known is None or here is None else differences(known, here),
        threads=recorded.threads,
        seconds=seconds,
    )


def _trained(plan: Plan, engine: Engine, report: Report) -> Result:
    return engine.run(plan, report) if isinstance(plan, GrowthPlan) else engine.consolidate(plan, report)


def _rows(plan: Plan, artifacts: Artifacts) -> dict[str, Rows]:
    """The validation rows of each task that was trained."""
    if isinstance(plan, GrowthPlan):
        stored = {plan.task: plan.validation}
    else:
        stored = {lesson.task: lesson.validation for lesson in plan.lessons}
    return {task: from_parquet(artifacts.get(rows), plan.base.schema) for task, rows in stored.items()}


def _require_all(version: Version, plan: Plan, artifacts: Artifacts) -> None:
    """Raise GrowLearnError naming every stored file that is needed and not there, or not whole."""
    rows = [
        (f"rows {name!r}", sha256) for name, sha256 in data_of(plan).items() if not name.endswith(HOLDOUT)
    ]
    models = [*parts_of(plan.base).items(), *parts_of(version.manifest).items()]
    needed = dict.fromkeys((*rows, *models))  # base and version have parts of one name
    lacking = [f"{what} ({sha256})" for what, sha256 in needed if not _is_whole(sha256, artifacts)]
    if lacking:
        raise GrowLearnError(
            f"version {version.number} of stream {version.stream!r} cannot be made again: missing or damaged "
            f"in the artifacts are {', '.join(lacking)}",
            cure="bring them back from a backup; what rows were deleted for good cannot be made again",
        )


def _is_whole(sha256: str, artifacts: Artifacts) -> bool:
    try:
        artifacts.get(sha256)
    except DamagedArtifact:
        return False
    return True
