"""Which labelled rows are new to a known task: those that none of its versions learned from.

They are the rows of windows that were skipped, and of refinements that were not kept. Where labels come after
their rows, a window that was learned from has new rows again once more of its labels have come: those that
were not in that training. A window that opened a task with a known answer was not trained on. Rows of a
refinement that a person rolled back are not new.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        trained = () if plan.kept_task is not None else (plan.train,)
        for sha256 in (*trained, plan.validation, plan.holdout):
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
    ancestors = {version.number for version in context.ancestry}
    plans = [plan for row, plan in _find_trainings(context, task) if row.version in ancestors]
    return sum(
        plan.refinement.new_rows
        if plan.refinement is not None
        else sum(labelled for _, labelled in _list_labelled(context, plan))
        for plan in plans
        if plan.kept_task is None
    )


def _find_learned_windows(context: StepContext, task: Task) -> dict[str, WindowRows]:
    """The windows that any version of the task was planned with, and their labels that no plan knew."""
    learned: dict[str, WindowRows] = {}
    for _, plan in _find_trainings(context, task):
        for window, labelled in _list_labelled(context, plan):
            now = window.labelled or 0
            before = learned.get(window.id, WindowRows(window, now))
            learned[window.id] = WindowRows(
                window, min(before.rows, now - labelled), (*before.learned_by, plan)
            )
    return learned


def _list_labelled(context: StepContext, plan: GrowthPlan) -> list[tuple[Window, int]]:
    """The windows that a plan learns from, and how many labels each had when it was made."""
    windows = {window.id: window for window in context.windows}
    known = [windows[window_id] for window_id in _windows_of(plan) if window_id in windows]
    counts = (
        plan.labelled_rows
        if len(plan.labelled_rows) == len(known)
        else [each.labelled or 0 for each in known]
    )
    return list(zip(known, counts, strict=True))


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
