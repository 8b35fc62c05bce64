"""Trainings that tests share: each plan is trained once a process, because equal plans give equal weights.

Whoever tests the training itself, or changes how it works, uses `LocalEngine` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.growth import GrowthPlan, GrowthResult, Progress
from growlearn.growth.train import train_branch
from growlearn.ports import Artifacts, ProgressCallback

Train = Callable[[Artifacts, ProgressCallback], Any]

_TRAINED: dict[str, tuple[Any, list[Progress], list[bytes | memoryview]]] = {}


class _RecordingArtifacts:
    """Artifacts that record everything put into them."""

    def __init__(self, artifacts: MemoryArtifacts) -> None:
        self._artifacts = artifacts
        self.contents: list[bytes | memoryview] = []

    def put(self, content: bytes | memoryview) -> str:
        self.contents.append(content)
        return self._artifacts.put(content)

    def get(self, sha256: str) -> bytes:
        return self._artifacts.get(sha256)

    def view(self, sha256: str) -> bytes:
        return self._artifacts.view(sha256)


def train_once(plan: object, artifacts: MemoryArtifacts, on_progress: ProgressCallback, train: Train) -> Any:
    """The result of a training, its progress and its artifacts: of a new one, or of the one before.

    A training that is interrupted is not remembered.
    """
    key = repr(plan)  # names its data and its parent's weights by their hashes
    if key in _TRAINED:
        result, progress, contents = _TRAINED[key]
        for step in progress:
            on_progress(step)
        for content in contents:
            artifacts.put(content)
        return result
    recording, steps = _RecordingArtifacts(artifacts), list[Progress]()

    def record(step: Progress) -> None:
        steps.append(step)
        on_progress(step)

    result = train(recording, record)
    _TRAINED[key] = result, steps, recording.contents
    return result


class CachingEngine:
    """Trains as `LocalEngine` does, each plan once a process."""

    def __init__(self, artifacts: MemoryArtifacts, scratch: Path) -> None:
        self._artifacts, self._scratch = artifacts, scratch

    def for_claim(self, _: int) -> CachingEngine:
        return self

    def run(self, plans: Sequence[GrowthPlan], on_progress: ProgressCallback) -> Sequence[GrowthResult]:
        return [self._train(plan, on_progress) for plan in plans]

    def _train(self, plan: GrowthPlan, on_progress: ProgressCallback) -> GrowthResult:
        def train(artifacts: Artifacts, report: ProgressCallback) -> GrowthResult:
            return LocalEngine(artifacts, self._scratch).run([plan], report)[0]

        result: GrowthResult = train_once(plan, self._artifacts, on_progress, train)
        return result

    def consolidate(self, plan: ConsolidationPlan, on_progress: ProgressCallback) -> ConsolidationResult:
        def consolidate(artifacts: Artifacts, report: ProgressCallback) -> ConsolidationResult:
            return LocalEngine(artifacts, self._scratch).consolidate(plan, report)

        result: ConsolidationResult = train_once(plan, self._artifacts, on_progress, consolidate)
        return result


def train_branch_once(plan: GrowthPlan, artifacts: MemoryArtifacts, scratch: Path) -> GrowthResult:
    """Train one branch, each plan once a process."""

    def train(recording: Artifacts, report: ProgressCallback) -> GrowthResult:
        return train_branch(plan, recording, scratch, report)

    result: GrowthResult = train_once(plan, artifacts, lambda _: None, train)
    return result
