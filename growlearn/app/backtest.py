"""A job, a history and other policies -> what each would have done; the user's record is only read."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from growlearn.adapters.engines.stand_in import StandInEngine
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.adapters.memory.clock import ManualClock, SystemClock
from growlearn.adapters.memory.evaluator import PlainEvaluator
from growlearn.adapters.memory.kept import Kept
from growlearn.adapters.memory.overlay import Overlay
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.adapters.sources import open_source
from growlearn.app.jobfile import read_job
from growlearn.app.truth import check_truth, true_regimes
from growlearn.backtesting import Contender, as_often, baselines, dated, own, replay
from growlearn.domain.backtest import Replay
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import Job, SourceSpec
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestedFile, Window, WindowState
from growlearn.growth.model.network import load_network
from growlearn.ingest.take_in import take_in
from growlearn.ports import Artifacts, Ports, Report, Source, Store
from growlearn.registry.ancestry import find
from growlearn.settings import Settings

_WORKER = "backtest"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for; `every` is the period of `periodic`, None to train as often as the job does.

    `fresh` begins with nothing learned even where the stream has a champion.
    """

    job_file: Path
    data: str
    against: tuple[Path, ...] = ()
    truth: str | None = None
    every: int | None = None
    fresh: bool = False


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """How a stream stands before the history: nothing, or its champion; and what training cost it so far."""

    version: Version | None = None
    tasks: tuple[Task, ...] = ()
    branches: tuple[Branch, ...] = ()
    seconds_a_row: float | None = None


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """Every policy's replay, and what it rests on.

    `seconds_a_row` is what a row costs in an epoch of training (None where nothing was to be trained),
    `recorded` whether the stream's own trainings told it.
    """

    job: Job
    started_from: int | None
    seconds_a_row: float | None
    recorded: bool
    every: int
    truth: str | None
    files: tuple[IngestedFile, ...]
    replays: tuple[Replay, ...]


@dataclass(frozen=True)
class History:
    """Files as one way of cutting windows takes them in, and their windows' true regimes."""

    files: tuple[IngestedFile, ...]
    regimes: Mapping[str, str]


@dataclass
class Stage:
    """Where replays take place: a folder that goes away, an engine that trains nothing, and the histories."""

    artifacts: Artifacts
    engine: StandInEngine
    source: Source
    beginning: Beginning
    truth: str | None
    histories: dict[object, History] = field(default_factory=dict)


def run_backtest(request: Request, settings: Settings, report: Report) -> Backtest:
    """Replay a history under every policy asked for; raises GrowLearnError or JobError."""
    job = read_job(request.job_file, Path.cwd())
    others = {path: _other(path, request.job_file, job) for path in request.against}
    if request.truth is not None:
        check_truth(request.truth, job)
    beginning = _beginning(job, settings, fresh=request.fresh)
    with TemporaryDirectory(prefix="growlearn-backtest-") as folder:
        artifacts: Artifacts = FileArtifacts(folder)
        if beginning.version is not None:
            artifacts = Overlay(artifacts, FileArtifacts(settings.artifacts_url))
        stage = Stage(
            artifacts=artifacts,
            engine=StandInEngine(artifacts, beginning.seconds_a_row),
            source=_source(job, request.data),
            beginning=beginning,
            truth=request.truth,
        )
        _require_history(_history(job, stage, report), request)
        names = policy_names([request.job_file, *others])
        contenders = [own(name, each) for name, each in zip(names, [job, *others.values()], strict=True)]
        replays = [_replay(each, stage, report) for each in contenders]
        every = request.every or as_often(replays[0])
        replays += [_replay(each, stage, report) for each in baselines(job, every)]
    return Backtest(
        job=job,
        started_from=None if beginning.version is None else beginning.version.number,
        seconds_a_row=stage.engine.seconds_a_row,
        recorded=beginning.seconds_a_row is not None,
        every=every,
        truth=request.truth,
        files=_history(job, stage, report).files,
        replays=tuple(replays),
    )


def _other(path: Path, job_file: Path, job: Job) -> Job:
    """Another policy's job, under the name of the stream that is replayed."""
    other = read_job(path, Path.cwd())
    if other.schema != job.schema:
        raise JobError(
            f"{path} has another schema than {job_file}", cure="only jobs for the same data can be compared"
        )
    return replace(other, name=job.name, source=job.source)


def policy_names(paths: Sequence[Path]) -> list[str]:
    """Policies by their job files' names, or by their paths where a name is not one file's alone."""
    taken = [*(path.stem for path in paths), "never", "always", "periodic"]
    return [path.stem if taken.count(path.stem) == 1 else str(path) for path in paths]


# The stream as it stands ----------------------------------------------------------------------------


def _beginning(job: Job, settings: Settings, *, fresh: bool) -> Beginning:
    """What the record knows of the stream; a record that is not there is not made by looking."""
    from growlearn.adapters.db.revision import is_unmade_sqlite
    from growlearn.adapters.db.store import open_store

    if is_unmade_sqlite(settings.database_url):
        return Beginning()
    store = open_store(settings.database_url)
    try:
        stream = next((each for each in store.streams() if each.name == job.name), None)
        return Beginning() if stream is None else _standing(stream, job, store, fresh=fresh)
    finally:
        store.close()


def _standing(stream: Stream, job: Job, store: Store, *, fresh: bool) -> Beginning:
    cost = _recorded_cost(stream.name, store)
    if fresh or stream.champion is None:
        return Beginning(seconds_a_row=cost)
    if stream.job.schema != job.schema:
        raise GrowLearnError(
            f"the job's schema is not that of stream {job.name!r}, whose model is to be started from",
            cure="name the same columns, or start from nothing with --fresh",
        )
    return Beginning(
        version=find(store.versions(stream.name), stream.champion),
        tasks=tuple(store.tasks(stream.name)),
        branches=tuple(store.branches(stream.name)),
        seconds_a_row=cost,
    )


def _recorded_cost(name: str, store: Store) -> float | None:
    """Seconds a row and epoch took in the stream's own trainings; None where there were none."""
    stored = (store.record(name, window.id).result for window in store.windows(name))
    results = [result for result in stored if isinstance(result, GrowthResult)]
    rows = sum(result.train_rows * len(result.epochs) for result in results)
    return sum(result.seconds for result in results) / rows if rows else None


# The history ----------------------------------------------------------------------------------------


def _source(job: Job, data: str) -> Source:
    """The job's kind of source over a folder, or over one file of a folder."""
    spec = replace(job.source, url=data, settle_s=0.0)
    if "://" not in data and "::" not in data:
        path = Path(data).expanduser().absolute()
        if not path.exists():
            raise GrowLearnError(
                f"{data} does not exist", cure="point --data to a folder of files, or to one"
            )
        spec = replace(spec, url=str(path))
        if path.is_file():
            spec = replace(spec, url=str(path.parent), pattern=glob.escape(path.name))
    return open_source(spec, SystemClock())


def _history(job: Job, stage: Stage, report: Report) -> History:
    """The files as this job cuts them into windows, taken in once for every job that cuts them so."""
    if job.window not in stage.histories:
        store, clock = MemoryStore(), ManualClock()
        stream = store.apply(job, clock.now())
        files = take_in(stream, stage.source, store, stage.artifacts, clock, report)
        accepted = [each for each in store.windows(job.name) if each.state is WindowState.ACCEPTED]
        regimes = _regimes(files, accepted, job, stage)
        stage.histories[job.window] = History(files, regimes)
    return stage.histories[job.window]


def _regimes(
    files: Sequence[IngestedFile], windows: Sequence[Window], job: Job, stage: Stage
) -> dict[str, str]:
    if stage.truth is None:
        return {}
    return true_regimes(stage.truth, files, windows, stage.source, stage.artifacts, job.schema)


def _require_history(history: History, request: Request) -> None:
    """Raise GrowLearnError where there is nothing to replay."""
    if not history.files:
        raise GrowLearnError(
            f"{request.data} holds no file that {request.job_file} would take in",
            cure="is it the right folder? see source.type and source.pattern in the job file",
        )
    made = {window.number: window for file in history.files for window in file.windows}
    accepted = [window for window in made.values() if window.state is WindowState.ACCEPTED]
    refused = [window for window in made.values() if window.state is WindowState.QUARANTINED]
    if not accepted and refused:
        raise GrowLearnError(
            f"none of the {len(history.files)} files of {request.data} can be used: {refused[0].reason}",
            cure=f"does the schema of {request.job_file} describe them?",
        )
    if len(accepted) < 2:
        count = "one window" if accepted else "no whole window"
        raise GrowLearnError(
            f"{request.data} makes {count}, so there is nothing to compare it with",
            cure="send more files, or cut smaller windows: window: {rows: 500} in the job file",
        )


# One replay -----------------------------------------------------------------------------------------


def _replay(contender: Contender, stage: Stage, report: Report) -> Replay:
    history, schedule = _history(contender.job, stage, report), contender.job.schedule
    clock = ManualClock()

    def set_clock(moment: datetime) -> None:
        clock.advance((moment - clock.now()).total_seconds())

    files = dated(history.files, lambda moment: next_fire_times(schedule, moment, 1)[0])
    return replay(contender, files, history.regimes, _ports(contender, stage, clock), set_clock, report)


def _ports(contender: Contender, stage: Stage, clock: ManualClock) -> Ports:
    artifacts = stage.artifacts

    def open_other(spec: SourceSpec) -> Source:
        return open_source(spec, SystemClock())

    return Ports(
        clock=clock,
        store=MemoryStore(_kept(contender.job, stage.beginning, clock)),
        artifacts=artifacts,
        engine=stage.engine,
        evaluator=PlainEvaluator(artifacts, lambda manifest: load_network(manifest, artifacts.get)),
        open_source=open_other,
        worker=_WORKER,
        lease_s=60.0,
    )


def _kept(job: Job, beginning: Beginning, clock: ManualClock) -> Kept:
    """The stream before the history; windows of its past are not there, so none is refused as seen before."""
    now, version = clock.now(), beginning.version
    if version is None:
        return Kept(Stream(job=job, created_at=now, updated_at=now))
    warm = replace(job, policy=replace(job.policy, warm_up=0))  # it is no new stream
    number = version.number
    return Kept(
        Stream(job=warm, created_at=now, updated_at=now, champion=number, base=number),
        versions=[replace(version, parent=None, window="w0")],
        tasks=list(beginning.tasks),
        branches=list(beginning.branches),
    )
