"""Branches, tasks and versions, and where the aliases point, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.adapters.memory.state import StreamState
from growlearn.domain.errors import ConcurrentUpdate, NotFound
from growlearn.domain.stream import Alias, AliasChange, TrackerIds, Transition


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
        check_version(state, change.after)
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
        check_version(state, parent_version)
        state.stream = replace(state.stream, parent_version=parent_version)


def check_version(state: StreamState, number: int | None) -> None:
    """Raise NotFound where the stream has no version of that number; None is one it need not have."""
    known = sorted(version.number for version in state.versions)
    if number is not None and number not in known:
        raise NotFound(
            f"stream {state.stream.name!r} has no version {number}",
            hint=f"known versions: {', '.join(map(str, known)) or 'none'}",
        )


def set_tracker_ids(state: StreamState, window: str | None, tracker_ids: TrackerIds) -> None:
    """Store the tracker's ids on the version of a window; one that is None leaves the stored one as it is."""
    for index, version in enumerate(state.versions):
        if version.window == window:
            state.versions[index] = replace(
                version,
                mlflow_run=tracker_ids.run_id or version.mlflow_run,
                mlflow_version=tracker_ids.model_version or version.mlflow_version,
            )
