"""Branches, tasks and versions, and where the aliases point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from growlearn.adapters.db.mapping import all_of, values
from growlearn.adapters.db.tables import AliasMoveRow, Base, BranchRow, StreamRow, TaskRow, VersionRow
from growlearn.domain.errors import LostRace, UnknownName
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.stream import AliasMove, Transition


def add(connection: Connection, transition: Transition) -> None:
    """Store the version, branches and task a transition brings; LostRace where one exists already."""
    if transition.version is not None:
        key = {"stream": transition.version.stream, "number": transition.version.number}
        _add(connection, VersionRow, transition.version, key)
    for branch in transition.branches:
        _add(connection, BranchRow, branch, {"stream": branch.stream, "id": branch.id})
    if transition.opened is not None:
        task = transition.opened
        key = {"stream": task.stream, "name": task.name, "version": task.version}
        _add(connection, TaskRow, task, key)


def _add(connection: Connection, table: type[Base], record: Any, key: dict[str, object]) -> None:
    same = [getattr(table, name) == value for name, value in key.items()]
    if connection.scalar(select(table.__table__.c.stream).where(*same)) is not None:
        raise LostRace(f"{type(record).__name__.lower()} {key} exists already")
    connection.execute(insert(table).values(values(record)))


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
            raise LostRace(f"alias {one.alias} of stream {stream!r} no longer stands at {one.before}")
        connection.execute(insert(AliasMoveRow).values(values(one)))
    if base is not None:
        _require_version(connection, stream, base)
        connection.execute(update(StreamRow).where(StreamRow.name == stream).values(base=base))


def _require_version(connection: Connection, stream: str, number: int | None) -> None:
    known = [version.number for version in versions(connection, stream)]
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
