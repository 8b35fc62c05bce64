"""The decision ledger: each step of each window, each move of an alias, never changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from growlearn.domain.job import Job
from growlearn.domain.stream import AliasMove, Transition


class EntryKind(StrEnum):
    """What was decided."""

    JOB = "job"  # a stream was given its job, or a new one
    STEP = "step"  # a window was judged, planned for, measured, or came to its end
    ALIASES = "aliases"  # a person moved champion or challenger


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One decision, with all that it rests on.

    `actor` is the worker or the person who acted; `snapshot` the sha256 of the window's rows as they were
    then; `configuration` the digest of the job that was in force, whose entry of kind JOB holds it whole;
    `code` the version of growlearn. A STEP holds the whole move of the window: report, plan, result,
    evaluation, gates, version and alias moves, whatever of them it brought; `alias_moves` are a person's.
    """

    stream: str
    kind: EntryKind
    at: datetime
    actor: str
    code: str
    configuration: str
    window: str | None = None
    snapshot: str | None = None
    step: Transition | None = None
    job: Job | None = None
    alias_moves: tuple[AliasMove, ...] = ()

    @property
    def moves(self) -> tuple[AliasMove, ...]:
        """Aliases moved with this decision, whoever took it."""
        return self.alias_moves if self.step is None else self.step.alias_moves


@dataclass(frozen=True)
class Chapter:
    """Part of the story that a ledger tells: a heading and what is to be said under it, a line each."""

    heading: str
    lines: tuple[str, ...]


def configuration_of(job: Job) -> str:
    """16 hex digits that differ between jobs."""
    return sha256(repr(job).encode()).hexdigest()[:16]


def entry_of_step(step: Transition, job: Job, snapshot: str | None, code: str) -> Entry:
    """What is written of a window's move."""
    return Entry(
        stream=step.stream, kind=EntryKind.STEP, at=step.at, actor=step.worker, code=code,
        configuration=configuration_of(job), window=step.window, snapshot=snapshot,
        step=replace(step, messages=()),
    )  # fmt: skip


def entry_of_job(job: Job, at: datetime, actor: str, code: str) -> Entry:
    """What is written when a stream is given a job."""
    return Entry(
        stream=job.name, kind=EntryKind.JOB, at=at, actor=actor, code=code,
        configuration=configuration_of(job), job=job,
    )  # fmt: skip


def entry_of_moves(moves: tuple[AliasMove, ...], job: Job, code: str) -> Entry:
    """What is written when a person moves aliases."""
    first = moves[0]
    return Entry(
        stream=first.stream, kind=EntryKind.ALIASES, at=first.at, actor=first.actor, code=code,
        configuration=configuration_of(job), alias_moves=moves,
    )  # fmt: skip
