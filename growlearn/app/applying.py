"""From a job file to a stored stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.app.composition import clock
from growlearn.app.jobfile import read_job
from growlearn.domain.errors import JobError
from growlearn.domain.job import Job
from growlearn.domain.stream import Stream
from growlearn.ports import Store

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Applied:
    """A stored stream, and whether it is new."""

    stream: Stream
    created: bool


def apply_file(store: Store, job_file: Path) -> Applied:
    """Store the job of a file, its folders taken from the working folder; raises JobError."""
    return apply_job(store, read_job(job_file, Path.cwd()))


def apply_job(store: Store, job: Job) -> Applied:
    """Store a job; raises JobError where it would take what is learned away from under its stream."""
    streams = store.streams()
    before = next((stream for stream in streams if stream.name == job.name), None)
    _refuse_shared_model(job, streams)
    if before is not None:
        _refuse_changes(before.job, job, store)
    return Applied(store.apply(job, clock().now()), before is None)


def _refuse_shared_model(job: Job, streams: Sequence[Stream]) -> None:
    for other in streams:
        if other.name != job.name and other.job.registered_model == job.registered_model:
            raise JobError(
                f"registry.model {job.registered_model!r} is the model of stream {other.name!r}",
                cure="give each stream a model of its own",
            )


def _refuse_changes(before: Job, after: Job, store: Store) -> None:
    """Stored rows have the schema they came with, and versions the name they were registered under."""
    kept = any(window.snapshot is not None for window in store.windows(after.name))
    if kept and _columns(before) != _columns(after):
        raise JobError(
            f"the schema of stream {after.name!r} cannot change: it has windows of the present one",
            cure="make a stream of another name, or delete this one first",
        )
    if store.versions(after.name) and before.registered_model != after.registered_model:
        raise JobError(
            f"registry.model of stream {after.name!r} cannot change: its versions are registered as "
            f"{before.registered_model!r}",
            cure="make a stream of another name",
        )


def _columns(job: Job) -> tuple[object, ...]:
    return tuple(job.schema.inputs.items()), job.schema.label, job.schema.task


def stream_meant(store: Store, stream_or_file: str) -> str:
    """The stream's name; a path to a YAML file is applied first."""
    if stream_or_file.endswith(SUFFIXES):
        return apply_file(store, Path(stream_or_file)).stream.name
    return store.stream(stream_or_file).name


def upcoming(job: Job, n: int = 3) -> str:
    """The next times a schedule is due, for people who cannot read crontabs.

    They look like `Sun 2025-11-30 03:00:00 UTC`.
    """
    times = next_fire_times(job.schedule, datetime.now(UTC), n)
    return ", ".join(f"{time:%a %Y-%m-%d %H:%M:%S}" for time in times) + " UTC"
