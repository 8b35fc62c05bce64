"""The decision log: each transition of each window, each change of an alias, never edited."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from growlearn.domain.canary import Canary
from growlearn.domain.job import Job
from growlearn.domain.stream import AliasChange, Transition
from growlearn.domain.window import WindowState


class LogEntryKind(StrEnum):
    """What was decided."""

    JOB = "job"  # a user applied a job to a stream
    TRANSITION = "transition"  # a window was judged, planned, evaluated or finished
    ALIASES = "aliases"  # a person changed champion or challenger
    PAUSED = "paused"  # a person paused the stream
    RESUMED = "resumed"  # a person resumed it
    CANARY_STARTED = "canary started"  # a person let a version answer beside the champion
    CANARY_STOPPED = "canary stopped"  # a person did, or an alias moved, or it stopped by itself


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One decision, with its evidence.

    `actor` is the worker or the person who acted; `snapshot` the sha256 of the window's rows at that time;
    `job_digest` the digest of the job in force, stored whole in the entry of kind JOB. A TRANSITION entry
    holds the window's transition with its alias changes and the evidence that belongs to its target state
    (`list_evidence`). `alias_changes` are those a person made; `canary` is the number of the stream's canary
    that was started or stopped.
    """

    stream: str
    kind: LogEntryKind
    at: datetime
    actor: str
    growlearn_version: str
    job_digest: str
    window: str | None = None
    snapshot: str | None = None
    transition: Transition | None = None
    job: Job | None = None
    alias_changes: tuple[AliasChange, ...] = ()
    canary: int | None = None

    @property
    def all_alias_changes(self) -> tuple[AliasChange, ...]:
        """The alias changes of this decision, made by a worker or a person."""
        return self.alias_changes if self.transition is None else self.transition.alias_changes


@dataclass(frozen=True)
class ReportSection:
    """One section of the decision report: a heading and its lines."""

    heading: str
    lines: tuple[str, ...]


def compute_job_digest(job: Job) -> str:
    """16 hex digits that differ between jobs.

    Values at their default are left out, so a key that a later release adds changes no digest.
    """
    return sha256(f"{_non_defaults(job)!r}{job.schema.pixel_scales or ''}".encode()).hexdigest()[:16]


def _non_defaults(value: Any) -> Any:
    """A dataclass as its type's name and the fields that are not at their defaults."""
    if not is_dataclass(value) or isinstance(value, type):
        return value
    pairs = [(field, getattr(value, field.name)) for field in fields(value)]
    return type(value).__name__, *(
        (field.name, _non_defaults(field_value))
        for field, field_value in pairs
        if field_value != _default(field)
    )


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


_FINAL_EVIDENCE = ("gates", "version", "branches", "new_task")
_EVIDENCE = {
    WindowState.JUDGED: ("report",),
    WindowState.GROWING: ("plan",),
    WindowState.EVALUATED: ("plan", "result", "evaluation", "model_selection"),
    WindowState.PROMOTED: _FINAL_EVIDENCE,
    WindowState.REJECTED: _FINAL_EVIDENCE,
    WindowState.PENDING_APPROVAL: _FINAL_EVIDENCE,
}
_NO_EVIDENCE: dict[str, Any] = {
    "report": None,
    "plan": None,
    "result": None,
    "evaluation": None,
    "model_selection": None,
    "gates": (),
    "version": None,
    "branches": (),
    "new_task": None,
}


def list_evidence(target: WindowState) -> tuple[str, ...]:
    """The fields of a transition that a step to this state records in tables of their own.

    >>> list_evidence(WindowState.JUDGED), list_evidence(WindowState.SKIPPED)
    (('report',), ())
    """
    return _EVIDENCE.get(target, ())


def make_transition_entry(transition: Transition, job: Job, growlearn_version: str) -> LogEntry:
    """The entry of a window's transition; the digest of `job` is used where the transition has none."""
    job_digest = transition.job_digest or compute_job_digest(job)
    kept = list_evidence(transition.target)
    dropped = {name: nothing for name, nothing in _NO_EVIDENCE.items() if name not in kept}
    return LogEntry(
        stream=transition.stream,
        kind=LogEntryKind.TRANSITION,
        at=transition.at,
        actor=transition.worker,
        growlearn_version=growlearn_version,
        job_digest=job_digest,
        window=transition.window,
        snapshot=transition.snapshot,
        transition=replace(transition, job_digest=job_digest, messages=(), claim=0, **dropped),
    )


def make_job_entry(job: Job, at: datetime, actor: str, growlearn_version: str) -> LogEntry:
    """The entry of a job applied to a stream."""
    return LogEntry(
        stream=job.name,
        kind=LogEntryKind.JOB,
        at=at,
        actor=actor,
        growlearn_version=growlearn_version,
        job_digest=compute_job_digest(job),
        job=job,
    )


def make_alias_entry(changes: tuple[AliasChange, ...], job: Job, growlearn_version: str) -> LogEntry:
    """The entry of alias changes made by a person."""
    first = changes[0]
    return LogEntry(
        stream=first.stream,
        kind=LogEntryKind.ALIASES,
        at=first.at,
        actor=first.actor,
        growlearn_version=growlearn_version,
        job_digest=compute_job_digest(job),
        alias_changes=changes,
    )


def make_pause_entry(job: Job, paused: bool, at: datetime, actor: str, growlearn_version: str) -> LogEntry:
    """The entry of a stream that a person paused or resumed."""
    return LogEntry(
        stream=job.name,
        kind=LogEntryKind.PAUSED if paused else LogEntryKind.RESUMED,
        at=at,
        actor=actor,
        growlearn_version=growlearn_version,
        job_digest=compute_job_digest(job),
    )


def make_canary_entry(canary: Canary, job: Job, growlearn_version: str) -> LogEntry:
    """The entry of a canary that was started, or, where it runs no longer, stopped."""
    kind = LogEntryKind.CANARY_STARTED if canary.is_running else LogEntryKind.CANARY_STOPPED
    return LogEntry(
        stream=canary.stream,
        kind=kind,
        at=canary.stopped_at or canary.started_at,
        actor=canary.stopped_by or canary.started_by,
        growlearn_version=growlearn_version,
        job_digest=compute_job_digest(job),
        canary=canary.number,
    )
