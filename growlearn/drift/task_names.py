"""Names of new tasks: task-1, task-2, ... and NAME/2, NAME/3, ... for later versions of NAME."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

from growlearn.domain.lineage import Task, is_version_of_task


def next_task_name(used_names: Collection[str]) -> str:
    """The first free task-N after the highest one in use.

    >>> next_task_name(["task-1", "task-3"])
    'task-4'
    """
    numbers = [name.removeprefix("task-") for name in used_names if name.startswith("task-")]
    highest = max((int(number) for number in numbers if number.isdecimal()), default=0)
    return f"task-{highest + 1}"


def next_task_version_name(name: str, used_names: Collection[str]) -> str:
    """The first free NAME/N, from NAME/2 on.

    >>> next_task_version_name("a", ["a", "a/2"])
    'a/3'
    """
    return next(version_name for k in count(2) if (version_name := f"{name}/{k}") not in used_names)


def find_task_versions(name: str, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The task of that name and its later versions NAME/2, NAME/3, ..., oldest first."""
    return tuple(task for task in tasks if is_version_of_task(name, task.name))
