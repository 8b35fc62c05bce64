"""Names of tasks that are opened: task-1, task-2, ... and NAME/2, NAME/3, ... for regimes of NAME."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

from growlearn.domain.lineage import Task, is_regime_of


def next_task(taken: Collection[str]) -> str:
    """The first free task-N after the highest one in use.

    >>> next_task(["task-1", "task-3"])
    'task-4'
    """
    numbers = [name.removeprefix("task-") for name in taken if name.startswith("task-")]
    highest = max((int(number) for number in numbers if number.isdecimal()), default=0)
    return f"task-{highest + 1}"


def next_regime(name: str, taken: Collection[str]) -> str:
    """The first free NAME/N, from NAME/2 on.

    >>> next_regime("a", ["a", "a/2"])
    'a/3'
    """
    return next(regime for k in count(2) if (regime := f"{name}/{k}") not in taken)


def regimes_of(name: str, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The task of that name and its later regimes NAME/2, NAME/3, ..., oldest first."""
    return tuple(task for task in tasks if is_regime_of(name, task.name))
