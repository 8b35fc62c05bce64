"""Windows whose labels arrived after they were judged: the risk monitor reads each of them once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from growlearn.domain.delayed_labels import LabelJoinRecord
from growlearn.domain.window import MATCHED_VERDICTS, Window, WindowState
from growlearn.drift.sample import Sample
from growlearn.drift.task_data import TaskComparisonData


def find_delayed_label_windows(
    earlier: Sequence[Window], joins: Sequence[LabelJoinRecord]
) -> Mapping[str, tuple[Window, ...]]:
    """By task, its skipped windows that had no label at ingest and have some now, in order."""
    label_counts: dict[str, int] = {}
    for join in joins:
        label_counts[join.window] = label_counts.get(join.window, 0) + join.labels
    windows_by_task: dict[str, tuple[Window, ...]] = {}
    for window in earlier:
        all_delayed = window.labelled is not None and 0 < window.labelled == label_counts.get(window.id)
        is_matched = window.state is WindowState.SKIPPED and window.verdict in MATCHED_VERDICTS
        if window.task is not None and is_matched and all_delayed:
            windows_by_task[window.task] = (*windows_by_task.get(window.task, ()), window)
    return windows_by_task


def with_delayed_labels(
    comparison_data: Sequence[TaskComparisonData],
    windows: Mapping[str, Sequence[Window]],
    load_sample: Callable[[str, Sequence[Window]], Sample | None],
) -> tuple[TaskComparisonData, ...]:
    """Comparison data with the rows of windows with delayed labels that the monitor has not read yet.

    `load_sample` gives the rows of some windows for a task's head, None where none are stored any more.
    """
    results = []
    for data in comparison_data:
        unread = [
            window
            for window in windows.get(data.task, ())
            if window.number not in data.monitor_state.delayed_label_windows
        ]
        delayed_label_sample = load_sample(data.task, unread) if unread else None
        results.append(
            replace(
                data,
                delayed_label_sample=delayed_label_sample,
                delayed_label_windows=tuple(window.number for window in unread),
            )
        )
    return tuple(results)
