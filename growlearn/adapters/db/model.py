"""Branches, tasks and versions, and where the aliases point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, exists, insert, or_, select, type_coerce, update

from growlearn.adapters.db.columns import dump_json, parse_json
from growlearn.adapters.db.mapping import get_columns, match_windows, select_all, to_row
from growlearn.adapters.db.tables import AliasChangeRow, BranchRow, StreamRow, TaskRow, VersionRow
from growlearn.domain.corrupt_manifest import CorruptManifest
from growlearn.domain.errors import ConcurrentUpdate, NotFound
from growlearn.domain.lineage import BranchRecord, Manifest, Task, Version
from growlearn.domain.stream import AliasChange, Transition


def insert_model_records(connection: Connection, transition: Transition) -> None:
    """Store the version, branches and task of a transition; ConcurrentUpdate where one exists already."""
    if transition.version is not None:
        _add_version(connection, transition.version)
    for branch in transition.branches:
        _add_branch(connection, branch)
    if transition.new_task is not None:
        _add_task(connection, transition.new_task)


def _add_version(connection: Connection, new: Version) -> None:
    same = or_(VersionRow.number == new.number, VersionRow.window == new.window)
    if connection.scalar(select(exists().where(VersionRow.stream == new.stream, same))):
        raise ConcurrentUpdate(f"version {new.number} of {new.window}, stream {new.stream!r}, exists already")
    digest = _digest_text(dump_json(Manifest, new.manifest))
    connection.execute(insert(VersionRow).values(to_row(new, manifest_sha256=digest)))


def _digest_text(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _add_branch(connection: Connection, branch: BranchRecord) -> None:
    same = (BranchRow.stream == branch.stream, BranchRow.id == branch.id)
    if connection.scalar(select(exists().where(*same))):
        raise ConcurrentUpdate(f"branch {branch.id} of stream {branch.stream!r} exists already")
    connection.execute(insert(BranchRow).values(to_row(branch)))


def _add_task(connection: Connection, task: Task) -> None:
    same = (TaskRow.stream == task.stream, TaskRow.name == task.name, TaskRow.version == task.version)
    if connection.scalar(select(exists().where(*same))):
        raise ConcurrentUpdate(
            f"task {task.name!r} of version {task.version}, stream {task.stream!r}, exists already"
        )
    connection.execute(insert(TaskRow).values(to_row(task)))


def apply_alias_changes(
    connection: Connection,
    stream: str,
    changes: Sequence[AliasChange],
    parent_version: int | None,
    decision: int | None,
) -> None:
    """Change aliases one after the other, and the parent version unless it is None.

    `decision` is the entry of the decision log that has these changes; None only where there are none.
    Raises ConcurrentUpdate where an alias does not point at `before`, NotFound for an unknown version.
    """
    for change in changes:
        require_version(connection, stream, change.after)
        alias = getattr(StreamRow, change.alias.value)
        statement = (
            update(StreamRow)
            .where(StreamRow.name == stream, alias.is_not_distinct_from(change.before))
            .values({change.alias.value: change.after})
        )
        if connection.execute(statement).rowcount == 0:
            raise ConcurrentUpdate(
                f"alias {change.alias} of stream {stream!r} no longer points at {change.before}",
                hint="another process has changed it: check the versions again",
            )
        connection.execute(insert(AliasChangeRow).values(to_row(change, decision=decision)))
    if parent_version is not None:
        require_version(connection, stream, parent_version)
        connection.execute(
            update(StreamRow).where(StreamRow.name == stream).values(parent_version=parent_version)
        )


def require_parent_version(connection: Connection, stream: str, before: int | None) -> None:
    """Raise ConcurrentUpdate where that is no longer the parent version of the next growth."""
    parent_version = connection.scalar(select(StreamRow.parent_version).where(StreamRow.name == stream))
    if parent_version != before:
        raise ConcurrentUpdate(
            f"the parent version of stream {stream!r} is {parent_version}, no longer {before}",
            hint="another growth has finished: check the versions again",
        )


def require_version(connection: Connection, stream: str, number: int | None) -> None:
    """Raise NotFound where the stream has no version of that number; None is one it need not have."""
    numbers = select(VersionRow.number).where(VersionRow.stream == stream).order_by(VersionRow.number)
    known = connection.scalars(numbers).all()
    if number is not None and number not in known:
        raise NotFound(
            f"stream {stream!r} has no version {number}",
            hint=f"known versions: {', '.join(map(str, known)) or 'none'}",
        )


def list_branches(connection: Connection, stream: str, window: str | None = None) -> Sequence[BranchRecord]:
    """All branches, or those of a window, in the order they were grown."""
    where = match_windows(BranchRow, stream, window)
    return select_all(connection, BranchRecord, BranchRow, BranchRow.serial, *where)


def list_tasks(connection: Connection, stream: str, window: str | None = None) -> Sequence[Task]:
    """All tasks, or those of a window, in the order they were opened or refined."""
    return select_all(connection, Task, TaskRow, TaskRow.serial, *match_windows(TaskRow, stream, window))


def list_versions(connection: Connection, stream: str, window: str | None = None) -> Sequence[Version]:
    """All versions, or that of a window, by number.

    The manifest of one whose text has another digest is a CorruptManifest.
    """
    manifest_text = type_coerce(VersionRow.manifest, Text()).label("manifest")
    columns = [column for column in get_columns(Version, VersionRow) if column.key != "manifest"]
    query = select(*columns, manifest_text, VersionRow.manifest_sha256)
    query = query.where(*match_windows(VersionRow, stream, window))
    return tuple(_make_version(row) for row in connection.execute(query.order_by(VersionRow.number)))


def _make_version(row: Row[*tuple[Any, ...]]) -> Version:
    values = dict(row._mapping)
    text, digest = values.pop("manifest"), values.pop("manifest_sha256")
    if _digest_text(text) == digest:
        return Version(**values, manifest=parse_json(Manifest, text))
    damaged = CorruptManifest(
        f"the manifest of version {row.number} of stream {row.stream!r} was changed after it was recorded: "
        f"its sha256 is no longer {digest}"
    )
    return Version(**values, manifest=damaged)


def list_alias_changes(connection: Connection, stream: str) -> Sequence[AliasChange]:
    """Every alias change, oldest first."""
    return select_all(
        connection, AliasChange, AliasChangeRow, AliasChangeRow.serial, AliasChangeRow.stream == stream
    )


def load_alias_changes_by_decision(
    connection: Connection, decisions: Select[int]
) -> Mapping[int, Sequence[AliasChange]]:
    """The alias changes of each of these decisions, in the order they were made."""
    changes: dict[int, list[AliasChange]] = defaultdict(list)
    query = select(AliasChangeRow.decision, *get_columns(AliasChange, AliasChangeRow))
    query = query.where(AliasChangeRow.decision.in_(decisions)).order_by(AliasChangeRow.serial)
    for row in connection.execute(query):
        values = dict(row._mapping)
        changes[values.pop("decision")].append(AliasChange(**values))
    return changes
