"""Which labelled rows are new to a known task: those that none of its versions learned from.

They are the rows of windows that were skipped, and of refinements that were not kept. Where labels come after
their rows, a window that was learned from has new rows again once more of its labels have come: those that
were not in that training. Rows of a refinement that a person rolled back are not new.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Task
from growlearn.domain.window import MATCHED_VERDICTS, Window, WindowState
from growlearn.ingest.rows import Rows
from growlearn.pipeline.context import StepContext

_UNLEARNED_STATES = (WindowState.SKIPPED, WindowState.REJECTED)
_MAX_NEW_ROWS = 500_000  # of the newest windows


@dataclass(frozen=True)
class WindowRows:
    """A window with labelled rows that are new to its task: how many, and which plans had the others."""

    window: Window
    rows: int
    learned_by: tuple[GrowthPlan, ...] = ()


def find_new_rows(context: StepContext, task: Task) -> tuple[WindowRows, ...]:
    """The window and earlier ones of the task with rows new to it; of equal windows the newest alone."""
    learned = _find_learned_windows(context, task)
    found, snapshots, num_rows = list[WindowRows](), set[str | None](), 0
    for window in (context.window, *reversed(context.earlier_windows)):
        if num_rows >= _MAX_NEW_ROWS:
            break
        is_matched = window.task == task.name and window.verdict in MATCHED_VERDICTS
        if window.snapshot in snapshots or window.met_bug:  # else others might meet it too
            continue
        new = learned.get(window.id)
        if new is None and is_matched and (window is context.window or window.state in _UNLEARNED_STATES):
            new = WindowRows(window, window.labelled or 0)
        if new is not None and new.rows > 0:
            found.append(new)
            snapshots.add(window.snapshot)
            num_rows += new.rows
    return tuple(reversed(found))


def load_new_rows(context: StepContext, new: WindowRows) -> Rows:
    """The labelled rows of a window that are new to its task.

    Raises CorruptArtifact, KeyError or ValueError where they, or those to be left out, are stored no more.
    """
    rows, models = context.rows(new.window).select_labelled(), context.ports.models
    for plan in new.learned_by:
        for sha256 in (plan.train, plan.validation, plan.holdout):
            learned = models.rows(sha256, plan.parent_manifest.schema)
            rows = rows.take(~np.isin(rows.row_hashes, learned.row_hashes))
    return rows


def find_failed_refinements(context: StepContext, task: Task) -> tuple[GrowthPlan, ...]:
    """The plans of refinements of the task that were tried in vain since it last learned, oldest first."""
    numbers = {window.id: window.number for window in context.windows}
    trainings = [plan for _, plan in _find_trainings(context, task)]
    learned = {window_id for plan in trainings for window_id in _windows_of(plan)}
    last = max((numbers[plan.window] for plan in trainings), default=0)
    rejected = [
        context.record_of(window.id)
        for window in context.earlier_windows
        if (window.task, window.state) == (task.name, WindowState.REJECTED)
        and window.verdict in MATCHED_VERDICTS
        and not window.met_bug
        and window.id not in learned
        and (window.number > last or window.labelled)  # what waited for labels is decided later
    ]
    return tuple(
        record.plan
        for record in rejected
        if isinstance(record.plan, GrowthPlan)
        and record.plan.refinement is not None
        and record.gates  # else it was given up before anything was trained
    )


def count_learned_rows(context: StepContext, task: Task) -> int:
    """Labelled rows of every window that this version of the task has learned from."""
    labelled, count = {window.id: window.labelled or 0 for window in context.windows}, 0
    late = _count_late_labels(context, task)
    for row, plan in _find_trainings(context, task):
        if row.version in {version.number for version in context.ancestry}:
            refinement = plan.refinement
            opened = labelled[row.window] - late.get(row.window, 0)
            count += opened if refinement is None else refinement.new_rows
    return count


def _find_learned_windows(context: StepContext, task: Task) -> dict[str, WindowRows]:
    """The windows that any version of the task was trained on, with the labels that came since."""
    windows = {window.id: window for window in context.windows}
    plans: dict[str, tuple[GrowthPlan, ...]] = {}
    for _, plan in _find_trainings(context, task):
        for window_id in _windows_of(plan):
            plans[window_id] = (*plans.get(window_id, ()), plan)
    late = _count_late_labels(context, task)
    return {
        window_id: WindowRows(windows[window_id], late.get(window_id, 0), learned_by)
        for window_id, learned_by in plans.items()
        if window_id in windows
    }


def _count_late_labels(context: StepContext, task: Task) -> dict[str, int]:
    """How many labels each window got after the task last learned from it; none of what was rolled back."""
    if context.job.schema.id_column is None:
        return {}
    created = {version.number: version.created_at for version in context.versions}
    ancestors = {version.number for version in context.ancestry}
    learned_at: dict[str, datetime] = {}
    rolled_back = set[str]()
    for row, plan in _find_trainings(context, task):
        for window_id in _windows_of(plan):
            if row.version not in ancestors:
                rolled_back.add(window_id)
            learned_at[window_id] = max(learned_at.get(window_id, created[row.version]), created[row.version])
    late = Counter[str]()
    for join in context.ports.store.label_joins(context.stream.name):
        if join.window in learned_at and join.window not in rolled_back and join.at > learned_at[join.window]:
            late[join.window] += join.labels
    return dict(late)


def _find_trainings(context: StepContext, task: Task) -> list[tuple[Task, GrowthPlan]]:
    """Each version of the task with the plan it was trained by."""
    known = {window.id for window in context.windows}  # a backtest has none of those before it
    plans = [
        (row, context.record_of(row.window).plan)
        for row in context.stored_tasks
        if row.name == task.name and row.window in known
    ]
    return [(row, plan) for row, plan in plans if isinstance(plan, GrowthPlan)]


def _windows_of(plan: GrowthPlan) -> tuple[str, ...]:
    return (plan.window,) if plan.refinement is None else plan.refinement.windows
