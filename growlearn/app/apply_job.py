"""Stores the job of a job file as a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.app.composition import system_clock
from growlearn.app.jobfile import read_job
from growlearn.app.resolve_encoder import resolve_encoder
from growlearn.domain.device import AUTO, CPU
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.job import Job
from growlearn.domain.schema_change import describe_schema_change
from growlearn.domain.stream import Stream
from growlearn.ports import Artifacts, Store

JOB_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class AppliedJob:
    """A stored stream, and whether it is new."""

    stream: Stream
    created: bool


def apply_job_file(store: Store, job_file: Path, open_artifacts: Callable[[], Artifacts]) -> AppliedJob:
    """Store the job of a file, and the encoder that it names; its folders are relative to the working folder.

    Raises JobError, and GrowLearnError where the encoder cannot be read.
    """
    job = read_job(job_file, Path.cwd())
    existing = next((stream.job for stream in store.streams() if stream.name == job.name), None)
    has_versions = existing is not None and bool(store.versions(job.name))
    return apply_job(store, resolve_encoder(job, existing, open_artifacts, has_versions=has_versions))


def apply_job(store: Store, job: Job) -> AppliedJob:
    """Store a job; raises JobError where it would make stored windows or versions unusable."""
    _reject_missing_device(job)
    streams = store.streams()
    existing = next((stream for stream in streams if stream.name == job.name), None)
    _reject_shared_model(job, streams)
    if existing is not None:
        _reject_incompatible_changes(existing.job, job, store)
    return AppliedJob(store.apply(job, system_clock().now()), existing is None)


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


def resolve_stream_name(store: Store, stream_or_file: str, open_artifacts: Callable[[], Artifacts]) -> str:
    """The stream's name; a path to a YAML file is applied first."""
    if stream_or_file.endswith(JOB_SUFFIXES):
        return apply_job_file(store, Path(stream_or_file), open_artifacts).stream.name
    return store.stream(stream_or_file).name


def format_next_runs(job: Job, n: int = 3) -> str:
    """The next due times of a schedule, so that nobody has to read the crontab line.

    They look like `Sun 2025-11-30 03:00:00 UTC`.
    """
    times = next_fire_times(job.schedule, datetime.now(UTC), n)
    return ", ".join(f"{time:%a %Y-%m-%d %H:%M:%S}" for time in times) + " UTC"
