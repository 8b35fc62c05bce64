"""The decision ledger: each step of each window, each move of an alias, never changed."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

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
    """16 hex digits that differ between jobs.

    What stands at its default does not enter, so that a key which a later release adds changes none of them.
    """
    return sha256(repr(_said(job)).encode()).hexdigest()[:16]


def _said(value: Any) -> Any:
    """A dataclass as the type's name and the fields that are not at their defaults."""
    if not is_dataclass(value) or isinstance(value, type):
        return value
    pairs = [(field, getattr(value, field.name)) for field in fields(value)]
    return type(value).__name__, *(
        (field.name, _said(said)) for field, said in pairs if said != _default(field)
    )


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def entry_of_step(step: Transition, job: Job, code: str) -> Entry:
    """What is written of a window's move; job is the stream's now, for a step that does not say its own."""
    return Entry(
        stream=step.stream, kind=EntryKind.STEP, at=step.at, actor=step.worker, code=code,
        configuration=step.configuration or configuration_of(job), window=step.window, snapshot=step.snapshot,
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
