"""What the store in memory keeps of one stream, and the rules by which it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from growlearn import __version__
from growlearn.domain.errors import LostRace, UnknownName
from growlearn.domain.labels import EarlyLabels, Joining, LabelJoin
from growlearn.domain.ledger import Entry, configuration_of, entry_of_job
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.stream import Alias, AliasMove, Stream, Transition, WindowRecord
from growlearn.domain.window import BadRow, IngestedFile, SeenFile, Window, WindowState, check_transition


@dataclass(frozen=True)
class Lease:
    """Who works on a window, and until when unless renewed."""

    owner: str
    until: datetime


@dataclass
class Kept:
    """All that is kept of one stream."""

    stream: Stream
    files: list[SeenFile] = field(default_factory=list)
    windows: dict[str, Window] = field(default_factory=dict)
    bad_rows: dict[str, tuple[BadRow, ...]] = field(default_factory=dict)
    early: list[EarlyLabels] = field(default_factory=list)
    joins: list[LabelJoin] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    outbox_lease: list[Lease] = field(default_factory=list)  # one or none
    records: dict[str, WindowRecord] = field(default_factory=dict)
    branches: list[Branch] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    moves: list[AliasMove] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)
    ticks: list[datetime] = field(default_factory=list)

    def copy(self) -> Kept:
        """A copy whose changes leave this one alone."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        return Kept(**{name: part.copy() if name != "stream" else part for name, part in parts.items()})


def is_taken_in(kept: Kept, ingested: IngestedFile) -> bool:
    """Whether the latest reading of the url is this one."""
    latest = next((file for file in reversed(kept.files) if file.url == ingested.file.url), None)
    reading = (ingested.file.fingerprint, ingested.schema)
    return latest is not None and (latest.fingerprint, latest.schema) == reading


def check_open(old: Window | None, new: Window, filled: tuple[Window, ...]) -> None:
    """Raise LostRace unless a window may take (more) rows; IllegalTransition for a state it cannot go to."""
    if old is None:
        return
    stood = {window.number: window for window in filled}.get(old.number, old)
    if stood != old or old.state is not WindowState.DISCOVERED or old.discovered_at != new.discovered_at:
        raise LostRace(f"window {old.id} of stream {old.stream!r} was written by another process meanwhile")
    if new.state is not old.state:
        check_transition(old.state, new.state)


def join(kept: Kept, joining: Joining, source: str, at: datetime) -> None:
    """Write what was joined; raises LostRace where it was worked out from what does not hold any more."""
    name = kept.stream.name
    last = max((window.number for window in kept.windows.values()), default=0)
    if (last, tuple(kept.early)) != (joining.last_window, joining.early_before):
        raise LostRace(f"rows or labels of stream {name!r} were taken in by another process meanwhile")
    for change in joining.relabelled:
        old = kept.windows.get(change.window)
        if old is None or old.snapshot != change.before:
            raise LostRace(
                f"window {change.window} of stream {name!r} was written by another process meanwhile"
            )
        kept.windows[old.id] = replace(old, snapshot=change.after, labelled=change.labelled)
        kept.joins.append(LabelJoin(window=old.id, source=source, labels=change.labels, at=at))
    kept.early = list(joining.early)


def moved(window: Window, transition: Transition) -> Window:
    """The window after a transition."""
    return replace(
        window,
        state=transition.target,
        updated_at=transition.at,
        verdict=transition.verdict or window.verdict,
        task=window.task if transition.task is None else transition.task,
        reason=window.reason if transition.reason is None else transition.reason,
        wanted=window.wanted if transition.wanted is None else transition.wanted,
        judged_by=window.judged_by if transition.judged_by is None else transition.judged_by,
    )


def recorded(record: WindowRecord, transition: Transition) -> WindowRecord:
    """The record with what a transition says; what it leaves None stays."""
    return WindowRecord(
        report=transition.report or record.report,
        plan=transition.plan or record.plan,
        result=transition.result or record.result,
        evaluation=transition.evaluation or record.evaluation,
        worth=transition.worth or record.worth,
        gates=transition.gates or record.gates,
    )


def add(kept: Kept, transition: Transition) -> None:
    """Add the version, branches and task a transition brings; LostRace where one exists already."""
    new = transition.version
    if new is not None:
        if any(old.number == new.number or old.window == new.window for old in kept.versions):
            raise LostRace(f"version {new.number} of {new.window}, stream {new.stream!r}, exists already")
        kept.versions.append(new)
    for branch in transition.branches:
        if any(old.id == branch.id for old in kept.branches):
            raise LostRace(f"branch {branch.id} of stream {branch.stream!r} exists already")
        kept.branches.append(branch)
    task = transition.opened
    if task is not None:
        if any((old.name, old.version) == (task.name, task.version) for old in kept.tasks):
            raise LostRace(
                f"task {task.name!r} of version {task.version}, stream {task.stream!r}, exists already"
            )
        kept.tasks.append(task)


def note_job(kept: Kept, at: datetime, actor: str) -> None:
    """Write into the ledger that a stream was given its job, unless it had the same one."""
    given = [entry.configuration for entry in kept.ledger if entry.job is not None]
    if given[-1:] != [configuration_of(kept.stream.job)]:
        kept.ledger.append(entry_of_job(kept.stream.job, at, actor, __version__))


def require_base(kept: Kept, before: int | None) -> None:
    """Raise LostRace where growth no longer goes on from that version."""
    base = kept.stream.base
    if base != before:
        raise LostRace(
            f"the base of stream {kept.stream.name!r} stands at {base}, no longer at {before}",
            cure="growth went on meanwhile: look at the versions again",
        )


def move(kept: Kept, moves: Sequence[AliasMove], base: int | None) -> None:
    """Move aliases, and the base unless it is None; LostRace or UnknownName where they cannot be."""
    for one in moves:
        _require_version(kept, one.after)
        stream = kept.stream
        champion = one.alias is Alias.CHAMPION
        if (stream.champion if champion else stream.challenger) != one.before:
            raise LostRace(
                f"alias {one.alias} of stream {kept.stream.name!r} no longer stands at {one.before}",
                cure="somebody else moved it just now: look at the versions again",
            )
        kept.stream = (
            replace(stream, champion=one.after) if champion else replace(stream, challenger=one.after)
        )
        kept.moves.append(one)
    if base is not None:
        _require_version(kept, base)
        kept.stream = replace(kept.stream, base=base)


def _require_version(kept: Kept, number: int | None) -> None:
    known = sorted(version.number for version in kept.versions)
    if number is not None and number not in known:
        raise UnknownName(
            f"stream {kept.stream.name!r} has no version {number}",
            cure=f"known versions: {', '.join(map(str, known)) or 'none'}",
        )
