"""Branches, tasks and versions, and where the aliases point."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, insert, or_, select, update

from growlearn.adapters.db.mapping import all_of, values
from growlearn.adapters.db.tables import AliasMoveRow, BranchRow, StreamRow, TaskRow, VersionRow
from growlearn.domain.errors import LostRace, UnknownName
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.stream import AliasMove, Transition


def add(connection: Connection, transition: Transition) -> None:
    """Store the version, branches and task a transition brings; LostRace where one exists already."""
    if transition.version is not None:
        _add_version(connection, transition.version)
    for branch in transition.branches:
        _add_branch(connection, branch)
    if transition.opened is not None:
        _add_task(connection, transition.opened)


def _add_version(connection: Connection, new: Version) -> None:
    same = or_(VersionRow.number == new.number, VersionRow.window == new.window)
    if connection.scalar(select(exists().where(VersionRow.stream == new.stream, same))):
        raise LostRace(f"version {new.number} of {new.window}, stream {new.stream!r}, exists already")
    connection.execute(insert(VersionRow).values(values(new)))


def _add_branch(connection: Connection, branch: Branch) -> None:
    same = (BranchRow.stream == branch.stream, BranchRow.id == branch.id)
    if connection.scalar(select(exists().where(*same))):
        raise LostRace(f"branch {branch.id} of stream {branch.stream!r} exists already")
    connection.execute(insert(BranchRow).values(values(branch)))


def _add_task(connection: Connection, task: Task) -> None:
    same = (TaskRow.stream == task.stream, TaskRow.name == task.name, TaskRow.version == task.version)
    if connection.scalar(select(exists().where(*same))):
        raise LostRace(
            f"task {task.name!r} of version {task.version}, stream {task.stream!r}, exists already"
        )
    connection.execute(insert(TaskRow).values(values(task)))


def move(connection: Connection, stream: str, moves: Sequence[AliasMove], base: int | None) -> None:
    """Move aliases one after the other, and the base unless it is None.

    Raises LostRace where an alias does not stand at `before`, UnknownName for a version not there.
    """
    for one in moves:
        _require_version(connection, stream, one.after)
        alias = getattr(StreamRow, one.alias.value)
        moved = (
            update(StreamRow)
            .where(StreamRow.name == stream, alias.is_not_distinct_from(one.before))
            .values({one.alias.value: one.after})
        )
        if connection.execute(moved).rowcount == 0:
            raise LostRace(
                f"alias {one.alias} of stream {stream!r} no longer stands at {one.before}",
                cure="somebody else moved it just now: look at the versions again",
            )
        connection.execute(insert(AliasMoveRow).values(values(one)))
    if base is not None:
        _require_version(connection, stream, base)
        connection.execute(update(StreamRow).where(StreamRow.name == stream).values(base=base))


def require_base(connection: Connection, stream: str, before: int | None) -> None:
    """Raise LostRace where growth no longer goes on from that version."""
    base = connection.scalar(select(StreamRow.base).where(StreamRow.name == stream))
    if base != before:
        raise LostRace(
            f"the base of stream {stream!r} stands at {base}, no longer at {before}",
            cure="growth went on meanwhile: look at the versions again",
        )


def _require_version(connection: Connection, stream: str, number: int | None) -> None:
    numbers = select(VersionRow.number).where(VersionRow.stream == stream).order_by(VersionRow.number)
    known = connection.scalars(numbers).all()
    if number is not None and number not in known:
        raise UnknownName(
            f"stream {stream!r} has no version {number}",
            cure=f"known versions: {', '.join(map(str, known)) or 'none'}",
        )


def branches(connection: Connection, stream: str) -> Sequence[Branch]:
    """All branches in the order they were grown."""
    return all_of(connection, Branch, BranchRow, BranchRow.serial, BranchRow.stream == stream)


def tasks(connection: Connection, stream: str) -> Sequence[Task]:
    """All tasks in the order they were opened."""
    return all_of(connection, Task, TaskRow, TaskRow.serial, TaskRow.stream == stream)


def versions(connection: Connection, stream: str) -> Sequence[Version]:
    """All versions by number."""
    return all_of(connection, Version, VersionRow, VersionRow.number, VersionRow.stream == stream)


def alias_moves(connection: Connection, stream: str) -> Sequence[AliasMove]:
    """Every alias move, oldest first."""
    return all_of(connection, AliasMove, AliasMoveRow, AliasMoveRow.serial, AliasMoveRow.stream == stream)
