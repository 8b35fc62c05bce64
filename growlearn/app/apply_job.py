"""Stores the job of a job file as a stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.adapters.sources import check_source, check_source_url
from growlearn.app.composition import system_clock
from growlearn.app.jobfile import read_job
from growlearn.app.resolve_encoder import resolve_encoder
from growlearn.domain.device import AUTO, CPU
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.file_limits import DEFAULT_LIMITS, FileLimits
from growlearn.domain.job import HoldoutFiles, Job
from growlearn.domain.locations import DEFAULT_PROTOCOLS
from growlearn.domain.schema_change import describe_schema_change
from growlearn.domain.stream import Stream
from growlearn.ports import Artifacts, Store
from growlearn.settings import Settings

_FIXED_BY_FIRST_BRANCH = ("embed_dim", "depth", "num_heads", "stem", "patch_size", "num_initial_branches")
JOB_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class AppliedJob:
    """A stored stream, and whether it is new."""

    stream: Stream
    created: bool


@dataclass(frozen=True)
class Allowed:
    """What the settings of this installation let a job ask for."""

    limits: FileLimits = DEFAULT_LIMITS
    protocols: Sequence[str] = DEFAULT_PROTOCOLS
    connections: Collection[str] = ()

    @classmethod
    def by(cls, settings: Settings) -> Allowed:
        """What these settings let a job ask for."""
        return cls(settings.file_limits, settings.protocols, settings.connections)


def apply_job_file(
    store: Store,
    job_file: Path,
    open_artifacts: Callable[[], Artifacts],
    allowed: Allowed = Allowed(),
) -> AppliedJob:
    """Store the job of a file, and the encoder that it names; its folders are relative to the working folder.

    Raises JobError, and GrowLearnError where the encoder cannot be read.
    """
    job = read_job(job_file, Path.cwd())
    _reject_disallowed(job, allowed)
    existing = next((stream.job for stream in store.streams() if stream.name == job.name), None)
    has_versions = existing is not None and bool(store.versions(job.name))
    resolved = resolve_encoder(job, existing, open_artifacts, has_versions=has_versions)
    return apply_job(store, resolved, allowed)


def apply_job(store: Store, job: Job, allowed: Allowed = Allowed()) -> AppliedJob:
    """Store a job.

    Raises JobError where it would make stored windows or versions unusable, or could have no effect.
    """
    _reject_disallowed(job, allowed)
    _reject_missing_device(job)
    streams = store.streams()
    existing = next((stream for stream in streams if stream.name == job.name), None)
    _reject_shared_model(job, streams)
    if existing is not None:
        _reject_incompatible_changes(existing.job, job, store)
        if existing.parent_version is not None:
            _reject_changed_network(existing.job, job)
    return AppliedJob(store.apply(job, system_clock().now()), existing is None)


def _reject_disallowed(job: Job, allowed: Allowed) -> None:
    allowed.limits.check_schema(job.schema)
    check_source(job.source, allowed.protocols, allowed.connections)
    if isinstance(job.holdout, HoldoutFiles):
        check_source_url(job.holdout.url, allowed.protocols)


def _reject_changed_network(before: Job, after: Job) -> None:
    """New branches have the size of the first one, whatever the job says later."""
    for key in _FIXED_BY_FIRST_BRANCH:
        now, wanted = getattr(before.model, key), getattr(after.model, key)
        if now != wanted:
            raise JobError(
                f"model.{key} of stream {after.name!r} cannot change any more: its branches were grown with"
                f" {now}, and {wanted} would have no effect",
                hint="set it back, or choose another stream name",
            )


def _reject_missing_device(job: Job) -> None:
    if job.growth.device in (AUTO, CPU):
        return
    from growlearn.network.devices import resolve_device  # torch takes seconds

    try:
        resolve_device(job.growth.device, "growth.device")
    except GrowLearnError as error:
        hint = f"{error.hint}, or apply the job on the machine that trains"
        raise JobError(error.message, hint=hint) from error


def _reject_shared_model(job: Job, streams: Sequence[Stream]) -> None:
    for stream in streams:
        if stream.name != job.name and stream.job.registered_model == job.registered_model:
            raise JobError(
                f"registry.model {job.registered_model!r} is the model of stream {stream.name!r}",
                hint="give each stream a model of its own",
            )


def _reject_incompatible_changes(before: Job, after: Job, store: Store) -> None:
    """Stored rows keep the schema of their ingest, and versions the name they were registered under."""
    has_snapshots = any(window.snapshot is not None for window in store.windows(after.name))
    if has_snapshots and _schema_columns(before) != _schema_columns(after):
        raise JobError(
            f"the schema of stream {after.name!r} cannot change, because it has windows of the current one: "
            f"{describe_schema_change(before.schema, after.schema)}",
            hint="choose another stream name, or delete this stream first",
        )
    if store.versions(after.name) and before.registered_model != after.registered_model:
        raise JobError(
            f"registry.model of stream {after.name!r} cannot change: its versions are registered as "
            f"{before.registered_model!r}",
            hint="choose another stream name",
        )


def _schema_columns(job: Job) -> tuple[object, ...]:
    return tuple(job.schema.inputs.items()), job.schema.label, job.schema.task


def resolve_stream_name(
    store: Store,
    stream_or_file: str,
    open_artifacts: Callable[[], Artifacts],
    allowed: Allowed = Allowed(),
) -> str:
    """The stream's name; a path to a YAML file is applied first."""
    if stream_or_file.endswith(JOB_SUFFIXES):
        return apply_job_file(store, Path(stream_or_file), open_artifacts, allowed).stream.name
    return store.stream(stream_or_file).name


def format_next_runs(job: Job, n: int = 3) -> str:
    """The next due times of a schedule, so that nobody has to read the crontab line.

    They look like `Sun 2025-11-30 03:00:00 UTC`.
    """
    times = next_fire_times(job.schedule, datetime.now(UTC), n)
    return ", ".join(f"{time:%a %Y-%m-%d %H:%M:%S}" for time in times) + " UTC"
