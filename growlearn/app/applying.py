"""From a job file to a stored stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.app.composition import clock
from growlearn.app.jobfile import read_job
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
    """Store a job."""
    created = all(stream.name != job.name for stream in store.streams())
    return Applied(store.apply(job, clock().now()), created)


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
