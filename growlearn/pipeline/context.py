"""What a step works with: the outside world, and one window with all that is stored around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.file_limits import DEFAULT_LIMITS, FileLimits
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import Manifest, Task, Version
from growlearn.domain.sql_source import SqlSourceConfig
from growlearn.domain.stream import Stream, WindowRecord
from growlearn.domain.window import Window, WindowState
from growlearn.evaluation.metric_evaluator import make_evaluator, rescore_evaluation
from growlearn.growth.plan import empty_manifest
from growlearn.ingest.rows import Rows
from growlearn.network.model_cache import ModelCache
from growlearn.ports import Artifacts, Clock, Engine, Evaluator, Source, Store
from growlearn.registry.matrix import require_evaluation
from growlearn.registry.version_tree import get_ancestry, get_version, select_version_tasks


@dataclass(frozen=True)
class Ports:
    """Everything outside, and who this worker is; a lease not renewed for `lease_s` is lost.

    At most `max_concurrent_windows` are processed at once, by all workers together; 0: any number. `models`
    are the networks and snapshots that are open; the evaluator asks the same ones.
    """

    clock: Clock
    store: Store
    engine: Engine
    evaluator: Evaluator
    models: ModelCache
    open_source: Callable[[SourceConfig | SqlSourceConfig], Source]
    worker: str
    lease_s: float
    limits: FileLimits = DEFAULT_LIMITS
    max_concurrent_windows: int = 0

    @property
    def artifacts(self) -> Artifacts:
        """Where weights and snapshots are stored."""
        return self.models.artifacts


class StepContext:
    """One window and all that a step asks of the record: each fact is read from the store once."""

    def __init__(self, window: Window, ports: Ports) -> None:
        self.window = window
        self.ports = ports
        self._records: dict[str, WindowRecord] = {}

    @cached_property
    def stream(self) -> Stream:
        """The window's stream as it stands now."""
        return self.ports.store.stream(self.window.stream)

    @property
    def job(self) -> Job:
        """The stream's job."""
        return self.stream.job

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """All versions of the stream."""
        return tuple(self.ports.store.versions(self.window.stream))

    @cached_property
    def parent(self) -> Version | None:
        """The version that the next growth extends; None before a stream's first."""
        number = self.stream.parent_version
        return None if number is None else get_version(self.versions, number)

    @cached_property
    def parent_manifest(self) -> Manifest:
        """The model grown from; empty for a stream that has none yet. It reads images as the job says."""
        manifest = empty_manifest(self.job) if self.parent is None else self.parent.manifest
        return manifest.with_pixels_as(self.job.schema)

    @cached_property
    def stored_tasks(self) -> tuple[Task, ...]:
        """All tasks ever opened or refined."""
        return tuple(self.ports.store.tasks(self.window.stream))

    @cached_property
    def known_tasks(self) -> tuple[Task, ...]:
        """The tasks of the model grown from, oldest first."""
        return select_version_tasks(self.stored_tasks, self.versions, self.stream.parent_version)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """All windows of the stream by number."""
        return tuple(self.ports.store.windows(self.window.stream))

    @cached_property
    def earlier_windows(self) -> tuple[Window, ...]:
        """The stream's windows before this one, in order."""
        return tuple(window for window in self.windows if window.number < self.window.number)

    @property
    def record_time(self) -> datetime:
        """Now; the latest time recorded of the stream where the clock was set back: times give the order.

        A stream's windows are in progress one after the other, so from its judgement on that is the window's.
        """
        recorded = self.windows if self.window.state is WindowState.ACCEPTED else (self.window,)
        return max(self.ports.clock.now(), *(window.updated_at for window in recorded))

    @property
    def current_task(self) -> str | None:
        """The task that the stream was in before this window."""
        tasks = (window.task for window in reversed(self.earlier_windows) if window.verdict)
        return next((task for task in tasks if task is not None), None)

    @property
    def record(self) -> WindowRecord:
        """Report, plan, result, evaluation and gates of this window."""
        return self.record_of(self.window.id)

    def record_of(self, window_id: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window of the stream."""
        if window_id not in self._records:
            self._records[window_id] = self.ports.store.window_record(self.window.stream, window_id)
        return self._records[window_id]

    @cached_property
    def evaluator(self) -> Evaluator:
        """The evaluator by the job's metric."""
        return make_evaluator(self.ports.evaluator, self.ports.artifacts, self.job.metric)

    @cached_property
    def ancestry(self) -> tuple[Version, ...]:
        """The versions that the next growth extends, oldest first."""
        return () if self.parent is None else get_ancestry(self.versions, self.parent.number)

    @cached_property
    def past_evaluations(self) -> tuple[Evaluation, ...]:
        """Evaluations of the versions that the next growth extends, oldest first, by the job's metric."""
        return tuple(
            rescore_evaluation(
                require_evaluation(version, self.record_of(version.window).evaluation),
                version.manifest,
                self.job.metric,
                self.ports.artifacts,
            )
            for version in self.ancestry
        )

    def rows(self, window: Window | None = None) -> Rows:
        """The rows of this window, or of another one of the stream.

        Raises GrowLearnError where none are stored, KeyError or ValueError where they had another schema.
        """
        window = window or self.window
        if window.snapshot is None:
            raise GrowLearnError(f"window {window.id} of {self.stream.name!r} has no stored rows")
        return self.ports.models.rows(window.snapshot, self.job.schema)
