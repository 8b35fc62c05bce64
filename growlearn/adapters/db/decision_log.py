"""The decision log: written in the transaction of the decision.

An entry of a transition has a few columns of its own. The rest is read from the tables that hold it: the k-th
judgement of a window has the k-th drift report, the final step the gates, branches, version and task.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from growlearn import __version__
from growlearn.adapters.db import model
from growlearn.adapters.db.mapping import match_windows, to_row
from growlearn.adapters.db.record import StepEvidence, load_evidence
from growlearn.adapters.db.tables import DecisionLogRow, StreamRow
from growlearn.domain.canary import Canary
from growlearn.domain.decision_log import (
    LogEntry,
    LogEntryKind,
    compute_job_digest,
    list_evidence,
    make_alias_entry,
    make_canary_entry,
    make_job_entry,
    make_pause_entry,
    make_transition_entry,
)
from growlearn.domain.job import Job
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.stream import AliasChange, Transition
from growlearn.domain.window import WindowState

_ENTRY_COLUMNS = (
    "stream",
    "kind",
    "at",
    "actor",
    "growlearn_version",
    "job_digest",
    "window",
    "snapshot",
    "job",
    "canary",
)
_TRANSITION_COLUMNS = (
    "source",
    "target",
    "verdict",
    "task",
    "reason",
    "remaining_budget",
    "parent_version",
    "parent_version_before",
    "labels_required",
    "judged_by_version",
)


def write_transition_entry(connection: Connection, transition: Transition) -> int:
    """Write a transition of a window; returns the entry's serial."""
    job = _load_job(connection, transition.stream)
    return _write_entry(connection, make_transition_entry(transition, job, __version__))


def write_job_entry(connection: Connection, job: Job, at: datetime, actor: str) -> None:
    """Write a stream's job, unless the latest entry has the same one."""
    latest = (
        select(DecisionLogRow.job_digest)
        .where(DecisionLogRow.stream == job.name, DecisionLogRow.job.is_not(None))
        .order_by(DecisionLogRow.serial.desc())
        .limit(1)
    )
    if connection.scalar(latest) != compute_job_digest(job):
        _write_entry(connection, make_job_entry(job, at, actor, __version__))


def write_alias_change_entry(
    connection: Connection, stream: str, changes: Sequence[AliasChange]
) -> int | None:
    """Write alias changes made by a person; returns the entry's serial, None where there are none."""
    if not changes:
        return None
    job = _load_job(connection, stream)
    return _write_entry(connection, make_alias_entry(tuple(changes), job, __version__))


def write_pause_entry(connection: Connection, stream: str, paused: bool, at: datetime, actor: str) -> None:
    """Write that a person paused or resumed a stream."""
    _write_entry(connection, make_pause_entry(_load_job(connection, stream), paused, at, actor, __version__))


def write_canary_entry(connection: Connection, canary: Canary) -> None:
    """Write that a canary was started or stopped."""
    _write_entry(connection, make_canary_entry(canary, _load_job(connection, canary.stream), __version__))


def _load_job(connection: Connection, stream: str) -> Job:
    job = connection.scalar(select(StreamRow.job).where(StreamRow.name == stream))
    assert job is not None, "decisions are written for existing streams only"
    return job


def _write_entry(connection: Connection, entry: LogEntry) -> int:
    row = to_row(entry)
    transition = row.pop("transition")
    del row["alias_changes"]  # their own rows refer to this one
    if transition is not None:
        row |= {name: getattr(transition, name) for name in _TRANSITION_COLUMNS}
    return connection.execute(
        insert(DecisionLogRow).values(row).returning(DecisionLogRow.serial)
    ).scalar_one()


def list_log_entries(connection: Connection, stream: str, window: str | None) -> Sequence[LogEntry]:
    """Every decision of a stream, or on one window, oldest first; a dozen queries, however many there are."""
    where = match_windows(DecisionLogRow, stream, window)
    decisions = select(DecisionLogRow.serial).where(*where)
    alias_changes = model.load_alias_changes_by_decision(connection, decisions)
    evidence = _load_evidence(connection, stream, window)
    judgements: Counter[str] = Counter()
    entries = []
    query = select(*DecisionLogRow.__table__.columns).where(*where)
    for row in connection.execute(query.order_by(DecisionLogRow.serial)):
        judgements[row.window] += row.target is WindowState.JUDGED
        changes = tuple(alias_changes.get(row.serial, ()))
        is_transition = row.kind is LogEntryKind.TRANSITION
        entries.append(
            LogEntry(
                **{name: getattr(row, name) for name in _ENTRY_COLUMNS},
                transition=_make_transition(row, changes, evidence.select(row, judgements[row.window]))
                if is_transition
                else None,
                alias_changes=() if is_transition else changes,
            )
        )
    return tuple(entries)


def _make_transition(
    row: Row[*tuple[Any, ...]], alias_changes: tuple[AliasChange, ...], evidence: Mapping[str, Any]
) -> Transition:
    return Transition(
        stream=row.stream,
        window=row.window,
        worker=row.actor,
        at=row.at,
        snapshot=row.snapshot,
        job_digest=row.job_digest,
        alias_changes=alias_changes,
        **{name: getattr(row, name) for name in _TRANSITION_COLUMNS},
        **evidence,
    )


@dataclass(frozen=True)
class _Evidence:
    """What the steps of windows recorded in other tables, by window."""

    records: Mapping[str, StepEvidence]
    versions: Mapping[str, Version]
    branches: Mapping[str, Sequence[BranchRecord]]
    tasks: Mapping[str, Task]

    def select(self, row: Row[*tuple[Any, ...]], judgement: int) -> Mapping[str, Any]:
        """What the transition of that row brought, by the field's name."""
        record = self.records.get(row.window, StepEvidence())
        growth = record.growth
        values = {
            "report": record.reports.get(judgement),
            "plan": growth.trained_plan if row.target is WindowState.EVALUATED else growth.plan,
            "result": growth.result,
            "evaluation": record.evaluation,
            "model_selection": record.model_selection,
            "gates": record.gates,
            "version": self.versions.get(row.window),
            "branches": tuple(self.branches.get(row.window, ())),
            "new_task": self.tasks.get(row.window),
        }
        return {name: values[name] for name in list_evidence(row.target)}


def _load_evidence(connection: Connection, stream: str, window: str | None) -> _Evidence:
    branches: dict[str, list[BranchRecord]] = defaultdict(list)
    for branch in model.list_branches(connection, stream, window):
        branches[branch.window].append(branch)
    versions = {
        # as it was decided: the tracker gave it its ids later
        version.window: replace(version, mlflow_version=None, mlflow_run=None)
        for version in model.list_versions(connection, stream, window)
    }
    tasks = {task.window: task for task in model.list_tasks(connection, stream, window)}
    return _Evidence(load_evidence(connection, stream, window), versions, branches, tasks)
