"""What the in-memory store holds about one stream, and how it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from growlearn import __version__
from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.canary import Canary, CanaryAnswer
from growlearn.domain.decision_log import LogEntry, compute_job_digest, make_job_entry
from growlearn.domain.delayed_labels import LabelJoinRecord, LabelJoinResult, PendingLabels
from growlearn.domain.errors import ConcurrentUpdate, NotFound
from growlearn.domain.growth import Progress
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.stream import Alias, AliasChange, Stream, Transition, WindowRecord
from growlearn.domain.window import BadRow, FileRecord, IngestResult, Window, WindowState, check_transition


@dataclass(frozen=True)
class Lease:
    """The worker that handles a window, the end of its lease unless renewed, and the progress of its work."""

    owner: str
    until: datetime
    progress: Progress | None = None


@dataclass
class StreamState:
    """Everything stored about one stream."""

    stream: Stream
    ingested_files: list[FileRecord] = field(default_factory=list)
    last_file_at: datetime | None = None
    windows: dict[str, Window] = field(default_factory=dict)
    bad_rows: dict[str, tuple[BadRow, ...]] = field(default_factory=dict)
    pending_labels: list[PendingLabels] = field(default_factory=list)
    label_joins: list[LabelJoinRecord] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    outbox_lease: list[Lease] = field(default_factory=list)  # one or none
    records: dict[str, WindowRecord] = field(default_factory=dict)
    branches: list[BranchRecord] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    alias_changes: list[AliasChange] = field(default_factory=list)
    decision_log: list[LogEntry] = field(default_factory=list)
    ticks: list[datetime] = field(default_factory=list)
    removed_files: dict[str, datetime] = field(default_factory=dict)
    accuracy_estimates: dict[str, AccuracyEstimate] = field(default_factory=dict)
    canaries: list[Canary] = field(default_factory=list)
    canary_answers: dict[tuple[int, str], CanaryAnswer] = field(default_factory=dict)

    def copy(self) -> StreamState:
        """A copy whose changes do not affect this one."""
        parts = {attribute.name: getattr(self, attribute.name) for attribute in fields(self)}
        copies: dict[str, Any] = {
            name: part.copy() if isinstance(part, dict | list) else part for name, part in parts.items()
        }
        return StreamState(**copies)


def is_already_ingested(state: StreamState, ingested: IngestResult) -> bool:
    """Whether the latest reading of the url is this one."""
    latest = next((file for file in reversed(state.ingested_files) if file.url == ingested.file.url), None)
    if latest is None:
        return False
    same_schema = latest.schema == ingested.schema
    if ingested.file.taken_once:
        return same_schema or latest.rows > 0
    return same_schema and latest.fingerprint == ingested.file.fingerprint


def check_can_extend(old: Window | None, new: Window, extended_windows: tuple[Window, ...]) -> None:
    """Raise ConcurrentUpdate or IllegalTransition unless a window may take (more) rows."""
    if old is None:
        return
    expected = {window.number: window for window in extended_windows}.get(old.number, old)
    if expected != old or old.state is not WindowState.OPEN or old.discovered_at != new.discovered_at:
        raise ConcurrentUpdate(
            f"window {old.id} of stream {old.stream!r} was written by another process meanwhile"
        )
    if new.state is not old.state:
        check_transition(old.state, new.state)


def apply_label_join(state: StreamState, label_join: LabelJoinResult, source: str, at: datetime) -> None:
    """Write a label join; raises ConcurrentUpdate where rows or labels have changed since it was computed."""
    name = state.stream.name
    last = max((window.number for window in state.windows.values()), default=0)
    if (last, tuple(state.pending_labels)) != (label_join.last_window, label_join.pending_before):
        raise ConcurrentUpdate(
            f"rows or labels of stream {name!r} were ingested by another process meanwhile"
        )
    for change in label_join.label_updates:
        old = state.windows.get(change.window)
        if old is None or old.snapshot != change.before:
            raise ConcurrentUpdate(
                f"window {change.window} of stream {name!r} was written by another process meanwhile"
            )
        state.windows[old.id] = replace(old, snapshot=change.after, labelled=change.labelled)
        state.label_joins.append(LabelJoinRecord(window=old.id, source=source, labels=change.labels, at=at))
    state.pending_labels = list(label_join.pending)


def update_window(window: Window, transition: Transition) -> Window:
    """The window after a transition."""
    return replace(
        window,
        state=transition.target,
        updated_at=transition.at,
        verdict=transition.verdict or window.verdict,
        task=window.task if transition.task is None else transition.task,
        reason=window.reason if transition.reason is None else transition.reason,
        labels_required=window.labels_required
        if transition.labels_required is None
        else transition.labels_required,
        judged_by_version=window.judged_by_version
        if transition.judged_by_version is None
        else transition.judged_by_version,
    )


def update_record(record: WindowRecord, transition: Transition) -> WindowRecord:
    """The record after a transition; a field that is None leaves the stored value as it is."""
    return WindowRecord(
        report=transition.report or record.report,
        plan=transition.plan or record.plan,
        result=transition.result or record.result,
        evaluation=transition.evaluation or record.evaluation,
        model_selection=transition.model_selection or record.model_selection,
        gates=transition.gates or record.gates,
    )


def add_model_records(state: StreamState, transition: Transition) -> None:
    """Add the version, branches and task of a transition; ConcurrentUpdate where one exists already."""
    new = transition.version
    if new is not None:
        if any(old.number == new.number or old.window == new.window for old in state.versions):
            raise ConcurrentUpdate(
                f"version {new.number} of {new.window}, stream {new.stream!r}, exists already"
            )
        state.versions.append(new)
    for branch in transition.branches:
        if any(old.id == branch.id for old in state.branches):
            raise ConcurrentUpdate(f"branch {branch.id} of stream {branch.stream!r} exists already")
        state.branches.append(branch)
    task = transition.new_task
    if task is not None:
        if any((old.name, old.version) == (task.name, task.version) for old in state.tasks):
            raise ConcurrentUpdate(
                f"task {task.name!r} of version {task.version}, stream {task.stream!r}, exists already"
            )
        state.tasks.append(task)


def append_job_entry(state: StreamState, at: datetime, actor: str) -> None:
    """Add the stream's job to the decision log, unless the latest entry has the same one."""
    digests = [entry.job_digest for entry in state.decision_log if entry.job is not None]
    if digests[-1:] != [compute_job_digest(state.stream.job)]:
        state.decision_log.append(make_job_entry(state.stream.job, at, actor, __version__))


def check_parent_version(state: StreamState, before: int | None) -> None:
    """Raise ConcurrentUpdate where that is no longer the parent version of the next growth."""
    parent_version = state.stream.parent_version
    if parent_version != before:
        raise ConcurrentUpdate(
            f"the parent version of stream {state.stream.name!r} is {parent_version}, no longer {before}",
            hint="another growth has finished: check the versions again",
        )


def change_aliases(state: StreamState, changes: Sequence[AliasChange], parent_version: int | None) -> None:
    """Change aliases, and the parent version unless it is None; raises ConcurrentUpdate or NotFound."""
    for change in changes:
        require_version(state, change.after)
        stream = state.stream
        is_champion = change.alias is Alias.CHAMPION
        if (stream.champion if is_champion else stream.challenger) != change.before:
            raise ConcurrentUpdate(
                f"alias {change.alias} of stream {state.stream.name!r} no longer points at {change.before}",
                hint="another process has changed it: check the versions again",
            )
        state.stream = (
            replace(stream, champion=change.after)
            if is_champion
            else replace(stream, challenger=change.after)
        )
        state.alias_changes.append(change)
    if parent_version is not None:
        require_version(state, parent_version)
        state.stream = replace(state.stream, parent_version=parent_version)


def require_version(state: StreamState, number: int | None) -> None:
    """Raise NotFound where the stream has no version of that number; None is one it need not have."""
    known = sorted(version.number for version in state.versions)
    if number is not None and number not in known:
        raise NotFound(
            f"stream {state.stream.name!r} has no version {number}",
            hint=f"known versions: {', '.join(map(str, known)) or 'none'}",
        )
