"""Look-ups in the tree of versions, and of the tasks that a version has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.errors import NotFound
from growlearn.domain.lineage import Task, Version


def get_version(versions: Sequence[Version], number: int) -> Version:
    """The version with this number; raises NotFound with a list of the existing ones."""
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions) or "none yet"
    raise NotFound(f"there is no version {number}", hint=f"known versions: {known}")


def get_ancestry(versions: Sequence[Version], number: int) -> tuple[Version, ...]:
    """The ancestors of a version, root first, and the version itself last; raises NotFound."""
    path = [get_version(versions, number)]
    while path[-1].parent is not None:
        path.append(get_version(versions, path[-1].parent))
    return tuple(reversed(path))


def select_version_tasks(
    stored_tasks: Sequence[Task], versions: Sequence[Version], number: int | None
) -> tuple[Task, ...]:
    """The tasks of a version, oldest first, each as the version or its nearest ancestor made it.

    A task has one row for each version that opened or refined it; those of versions rolled back are not
    ancestors. None gives none; raises NotFound for an unknown version.
    """
    if number is None:
        return ()
    newest = _find_newest_tasks(stored_tasks, versions, number)
    heads = get_version(versions, number).manifest.tasks
    return tuple(newest[head.name] for head in heads if head.name in newest)


def list_references(stored_tasks: Sequence[Task], versions: Sequence[Version]) -> tuple[Task, ...]:
    """All tasks ever opened or refined, and those whose heads a version distilled, in the order of versions.

    Each brings a reference of its own to the sequential tests of drift: before another head the same rows
    have other scores, so those tests start again, with a part of alpha of their own.
    """
    with_own_task = {task.version for task in stored_tasks}
    distilled = [
        replace(task, version=version.number, window=version.window)
        for version in versions
        if version.number not in with_own_task
        for task in _find_newest_tasks(stored_tasks, versions, version.number).values()
    ]
    return tuple(sorted((*stored_tasks, *distilled), key=lambda task: task.version))


def _find_newest_tasks(
    stored_tasks: Sequence[Task], versions: Sequence[Version], number: int
) -> dict[str, Task]:
    """Each task by name as a version or its nearest ancestor made it."""
    rank = {version.number: index for index, version in enumerate(get_ancestry(versions, number))}
    made = sorted(
        (task for task in stored_tasks if task.version in rank), key=lambda task: rank[task.version]
    )
    return {task.name: task for task in made}
