"""Look-ups in the tree of versions, and of the tasks that a version has."""

from __future__ import annotations

from collections.abc import Sequence

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
    ancestry = get_ancestry(versions, number)
    rank = {version.number: index for index, version in enumerate(ancestry)}
    newest: dict[str, Task] = {}
    for task in sorted(
        (task for task in stored_tasks if task.version in rank), key=lambda t: rank[t.version]
    ):
        newest[task.name] = task
    return tuple(newest[head.name] for head in ancestry[-1].manifest.tasks if head.name in newest)
