"""Windows whose labels came after they were judged: evidence of a task's errors reads each of them once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from growlearn.domain.labels import LabelJoin
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.reference import Reference
from growlearn.drift.sample import Sample

_OF_THE_TASK = (Verdict.STABLE, Verdict.WARN, Verdict.KNOWN_TASK)


def late_windows(earlier: Sequence[Window], joins: Sequence[LabelJoin]) -> Mapping[str, tuple[Window, ...]]:
    """By task, its settled windows that brought no label with their rows and have some now, in order."""
    joined: dict[str, int] = {}
    for join in joins:
        joined[join.window] = joined.get(join.window, 0) + join.labels
    found: dict[str, tuple[Window, ...]] = {}
    for window in earlier:
        came_late = window.labelled is not None and 0 < window.labelled == joined.get(window.id)
        settled = window.state is WindowState.SETTLED and window.verdict in _OF_THE_TASK
        if window.task is not None and settled and came_late:
            found[window.task] = (*found.get(window.task, ()), window)
    return found


def with_late_labels(
    references: Sequence[Reference],
    windows: Mapping[str, Sequence[Window]],
    sample: Callable[[str, Sequence[Window]], Sample],
) -> tuple[Reference, ...]:
    """References with the rows of late windows that the carried evidence has not read yet.

    `sample` gives the rows of some windows before a task's head.
    """
    found = []
    for reference in references:
        unread = [w for w in windows.get(reference.task, ()) if w.number not in reference.carried.read]
        late = sample(reference.task, unread) if unread else None
        found.append(replace(reference, late=late, late_windows=tuple(window.number for window in unread)))
    return tuple(found)
