"""Replays a history under a job's policy and under others; the user's database is only read."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from growlearn.adapters.engines.dry_run import DryRunEngine
from growlearn.adapters.engines.plan_device import DEVICE_SETTING
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.adapters.memory.clock import ManualClock, SystemClock
from growlearn.adapters.memory.evaluator import NumpyEvaluator
from growlearn.adapters.memory.overlay import OverlayArtifacts
from growlearn.adapters.memory.state import StreamState
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.adapters.sources import open_source
from growlearn.app.jobfile import read_job
from growlearn.app.regime_labels import check_regime_column, find_window_regimes
from growlearn.app.resolve_encoder import resolve_encoder
from growlearn.domain.backtest import Replay
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.locations import get_local_path
from growlearn.domain.sql_source import SqlSourceConfig
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestResult, Window, WindowState
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.network.devices import open_device
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.backtest import (
    ReplayPolicy,
    find_matching_period,
    make_baseline_policies,
    make_job_policy,
    replay_history,
    with_arrival_times,
)
from growlearn.pipeline.context import Ports
from growlearn.ports import Artifacts, ProgressCallback, Source, Store
from growlearn.registry.version_tree import get_version, select_version_tasks
from growlearn.settings import Settings

_WORKER = "backtest"


@dataclass(frozen=True, kw_only=True)
class BacktestRequest:
    """The options of a backtest.

    `period` is that of the policy `periodic`; None trains as often as the job does. `from_scratch` starts
    without a model even where the stream has a champion.
    """

    job_file: Path
    data: str
    comparison_files: tuple[Path, ...] = ()
    regime_column: str | None = None
    period: int | None = None
    from_scratch: bool = False


@dataclass(frozen=True, kw_only=True)
class StartState:
    """A stream before the history: no model, or its champion; and the recorded cost of training."""

    version: Version | None = None
    tasks: tuple[Task, ...] = ()
    branches: tuple[BranchRecord, ...] = ()
    seconds_per_row: float | None = None


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """Every policy's replay, and the inputs and settings behind it.

    `seconds_per_row` is the training time of a row in one epoch (None where nothing was trained);
    `cost_is_recorded` says whether it comes from the stream's own trainings.
    """

    job: Job
    started_from: int | None
    seconds_per_row: float | None
    cost_is_recorded: bool
    period: int
    regime_column: str | None
    files: tuple[IngestResult, ...]
    replays: tuple[Replay, ...]


@dataclass(frozen=True)
class History:
    """Files ingested under one windowing, and the true regimes of their windows."""

    files: tuple[IngestResult, ...]
    regimes: Mapping[str, str]


@dataclass
class ReplayContext:
    """What all replays share: a temporary folder, an engine that trains nothing, and the histories."""

    artifacts: Artifacts
    engine: DryRunEngine
    source: Source
    start_state: StartState
    regime_column: str | None
    protocols: Sequence[str]
    histories: dict[object, History] = field(default_factory=dict)


def run_backtest(
    request: BacktestRequest, settings: Settings, on_progress: ProgressCallback
) -> BacktestResult:
    """Replay a history under every requested policy; raises GrowLearnError or JobError."""
    job = read_job(request.job_file, Path.cwd())
    comparison_jobs = {
        path: _read_comparison_job(path, request.job_file, job) for path in request.comparison_files
    }
    if request.regime_column is not None:
        check_regime_column(request.regime_column, job)
    start_state = _load_start_state(job, settings, from_scratch=request.from_scratch)
    with TemporaryDirectory(prefix="growlearn-backtest-") as folder:
        artifacts: Artifacts = FileArtifacts(folder)
        if start_state.version is not None:
            artifacts = OverlayArtifacts(artifacts, FileArtifacts(settings.artifacts_url))
        job = resolve_encoder(job, None, lambda: artifacts)
        comparison_jobs = {
            path: resolve_encoder(other, job, lambda: artifacts) for path, other in comparison_jobs.items()
        }
        context = ReplayContext(
            artifacts=artifacts,
            engine=DryRunEngine(artifacts, start_state.seconds_per_row, settings.device),
            source=_open_history_source(job, request.data, settings.protocols),
            protocols=settings.protocols,
            start_state=start_state,
            regime_column=request.regime_column,
        )
        _require_history(_ingest_history(job, context, on_progress), request)
        names = build_policy_names([request.job_file, *comparison_jobs])
        policies = [
            make_job_policy(name, policy)
            for name, policy in zip(names, [job, *comparison_jobs.values()], strict=True)
        ]
        replays = [_replay_policy(policy, context, on_progress) for policy in policies]
        period = request.period or find_matching_period(replays[0])
        replays += [
            _replay_policy(policy, context, on_progress) for policy in make_baseline_policies(job, period)
        ]
    return BacktestResult(
        job=job,
        started_from=None if start_state.version is None else start_state.version.number,
        seconds_per_row=context.engine.seconds_per_row,
        cost_is_recorded=start_state.seconds_per_row is not None,
        period=period,
        regime_column=request.regime_column,
        files=_ingest_history(job, context, on_progress).files,
        replays=tuple(replays),
    )


def _read_comparison_job(path: Path, job_file: Path, job: Job) -> Job:
    """The job of another policy, with the name and source of the replayed stream."""
    comparison_job = read_job(path, Path.cwd())
    if comparison_job.schema.digest != job.schema.digest:
        raise JobError(
            f"{path} has another schema than {job_file}", hint="only jobs for the same data can be compared"
        )
    return replace(comparison_job, name=job.name, source=job.source)


def build_policy_names(paths: Sequence[Path]) -> list[str]:
    """Names of policies: the job files' names, or their paths where a name is not unique."""
    used_names = [*(path.stem for path in paths), "never", "always", "periodic"]
    return [path.stem if used_names.count(path.stem) == 1 else str(path) for path in paths]


# The stream before the history ----------------------------------------------------------------------


def _load_start_state(job: Job, settings: Settings, *, from_scratch: bool) -> StartState:
    """The stream as stored in the database; a database that does not exist is not created."""
    from growlearn.adapters.db.revision import is_uninitialized_sqlite
    from growlearn.adapters.db.store import open_db_store

    if is_uninitialized_sqlite(settings.database_url):
        return StartState()
    store = open_db_store(settings.database_url)
    try:
        stream = next((candidate for candidate in store.streams() if candidate.name == job.name), None)
        return (
            StartState()
            if stream is None
            else _start_from_stream(stream, job, store, from_scratch=from_scratch)
        )
    finally:
        store.close()


def _start_from_stream(stream: Stream, job: Job, store: Store, *, from_scratch: bool) -> StartState:
    seconds_per_row = _recorded_seconds_per_row(stream.name, store)
    if from_scratch or stream.champion is None:
        return StartState(seconds_per_row=seconds_per_row)
    if stream.job.schema != job.schema:
        raise GrowLearnError(
            f"the job's schema is not that of stream {job.name!r}, whose model is to be started from",
            hint="name the same columns, or start without the model: --from-scratch",
        )
    return StartState(
        version=get_version(store.versions(stream.name), stream.champion),
        tasks=_tasks_as_of(stream.champion, stream.name, store),
        branches=tuple(store.branches(stream.name)),
        seconds_per_row=seconds_per_row,
    )


def _tasks_as_of(version: int, name: str, store: Store) -> tuple[Task, ...]:
    """The tasks of a version as if it had made them all: a replay knows no version before."""
    tasks = select_version_tasks(store.tasks(name), store.versions(name), version)
    return tuple(replace(task, version=version, window="w0") for task in tasks)


def _recorded_seconds_per_row(name: str, store: Store) -> float | None:
    """Seconds per row and epoch in the stream's own trainings; None where there were none."""
    stored = (store.window_record(name, window.id).result for window in store.windows(name))
    results = [result for result in stored if isinstance(result, GrowthResult)]
    rows = sum(result.train_rows * len(result.epochs) for result in results)
    return sum(result.seconds for result in results) / rows if rows else None


# The history ----------------------------------------------------------------------------------------


def _open_history_source(job: Job, data: str, protocols: Sequence[str]) -> Source:
    """A source of the job's type over a folder, or over one file of a folder."""
    config = SourceConfig(url=data, min_file_age_s=0.0)
    if isinstance(job.source, SourceConfig):
        config = replace(job.source, url=data, min_file_age_s=0.0)
    local_path = get_local_path(data)
    if local_path is not None:
        path = Path(local_path).expanduser().absolute()
        if not path.exists():
            raise GrowLearnError(
                f"{data} does not exist", hint="point --data to a folder of files, or to one"
            )
        config = replace(config, url=str(path))
        if path.is_file():
            config = replace(config, url=str(path.parent), pattern=glob.escape(path.name))
    return open_source(config, SystemClock(), protocols)


def _ingest_history(job: Job, context: ReplayContext, on_progress: ProgressCallback) -> History:
    """The files as this job cuts them into windows; ingested once per windowing."""
    if job.windowing not in context.histories:
        store, clock = MemoryStore(), ManualClock()
        stream = store.apply(job, clock.now())
        files = ingest_new_files(stream, context.source, store, context.artifacts, clock, on_progress)
        accepted = [window for window in store.windows(job.name) if window.state is WindowState.ACCEPTED]
        regimes = _load_regimes(files, accepted, job, context)
        context.histories[job.windowing] = History(files, regimes)
    return context.histories[job.windowing]


def _load_regimes(
    files: Sequence[IngestResult], windows: Sequence[Window], job: Job, context: ReplayContext
) -> dict[str, str]:
    if context.regime_column is None:
        return {}
    return find_window_regimes(
        context.regime_column, files, windows, context.source, context.artifacts, job.schema
    )


def _require_history(history: History, request: BacktestRequest) -> None:
    """Raise GrowLearnError where there is nothing to replay."""
    if not history.files:
        raise GrowLearnError(
            f"{request.data} holds no file that matches the source of {request.job_file}",
            hint="is it the right folder? see source.type and source.pattern in the job file",
        )
    windows = {window.number: window for file in history.files for window in file.windows}
    accepted = [window for window in windows.values() if window.state is WindowState.ACCEPTED]
    quarantined = [window for window in windows.values() if window.state is WindowState.QUARANTINED]
    if not accepted and quarantined:
        raise GrowLearnError(
            f"none of the {len(history.files)} files of {request.data} can be used: {quarantined[0].reason}",
            hint=f"does the schema of {request.job_file} describe them?",
        )
    if len(accepted) < 2:
        count = "one window" if accepted else "no whole window"
        raise GrowLearnError(
            f"{request.data} makes {count}, but a backtest needs two windows or more",
            hint="add files, or make windows smaller: windowing: {rows: 500} in the job file",
        )


# One replay -----------------------------------------------------------------------------------------


def _replay_policy(policy: ReplayPolicy, context: ReplayContext, on_progress: ProgressCallback) -> Replay:
    history, schedule = _ingest_history(policy.job, context, on_progress), policy.job.schedule
    clock = ManualClock()

    def set_clock(moment: datetime) -> None:
        clock.advance((moment - clock.now()).total_seconds())

    files = with_arrival_times(history.files, lambda moment: next_fire_times(schedule, moment, 1)[0])
    return replay_history(
        policy, files, history.regimes, _build_replay_ports(policy, context, clock), set_clock, on_progress
    )


def _build_replay_ports(policy: ReplayPolicy, context: ReplayContext, clock: ManualClock) -> Ports:
    models = ModelCache(context.artifacts, open_device(context.engine.device, DEVICE_SETTING))

    def open_replay_source(config: SourceConfig | SqlSourceConfig) -> Source:
        return open_source(config, SystemClock(), context.protocols)

    return Ports(
        clock=clock,
        store=MemoryStore(_build_initial_state(policy.job, context.start_state, clock)),
        engine=context.engine,
        evaluator=NumpyEvaluator(models),
        models=models,
        open_source=open_replay_source,
        worker=_WORKER,
        lease_s=60.0,
    )


def _build_initial_state(job: Job, start_state: StartState, clock: ManualClock) -> StreamState:
    """The stream before the history, without its past windows, so that no file counts as a duplicate."""
    now, version = clock.now(), start_state.version
    if version is None:
        return StreamState(Stream(job=job, created_at=now))
    job_without_warmup = replace(
        job, retraining_policy=replace(job.retraining_policy, warmup_windows=0)
    )  # the stream is not new
    number = version.number
    return StreamState(
        Stream(job=job_without_warmup, created_at=now, champion=number, parent_version=number),
        versions=[replace(version, parent=None, window="w0")],
        tasks=list(start_state.tasks),
        branches=list(start_state.branches),
    )
