"""When labels change their meaning for good, the task that learned the new one replaces the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from growlearn.domain.drift import DriftKind
from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.evaluation import Evaluation, TaskReplacement, TaskScore
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.lineage import Manifest
from growlearn.domain.window import Window, WindowState
from growlearn.evaluation.evaluate import evaluate_routed
from growlearn.evaluation.gates.gate_input import TOLERANCE
from growlearn.evaluation.gates.routed_accuracy import routed_accuracy_drops, routed_drop
from growlearn.pipeline.context import StepContext
from growlearn.ports import EvalRequest, Evaluator

_DISCARDED_STATES = (WindowState.REJECTED, WindowState.SKIPPED)


@dataclass(frozen=True)
class ReplacementCandidate:
    """A new task that would replace others, and what earlier windows must show for it.

    A window of `min_rows` labelled rows or more confirms it where the task is at most `margin` worse on them
    than in `own_score`, that on its own hold-out, and better than any of the `contradicted_tasks` by more.
    """

    manifest: Manifest
    task: str
    contradicted_tasks: tuple[str, ...]
    own_score: TaskScore
    margin: float
    min_rows: int


def replace_contradicted_tasks(
    context: StepContext,
    plan: GrowthPlan,
    result: GrowthResult,
    evaluation: Evaluation,
    holdouts: Sequence[EvalRequest],
) -> tuple[GrowthResult, Evaluation]:
    """Let a new task replace those it contradicts, where enough windows in a row ask for it.

    One window may be wrong: the gate `routed_accuracy` rejects it. Of `replace_task_after` windows of concept
    drift, with none of the old meaning in between, the last is accepted, if what it learned answers the rows
    of those before, which it never saw, as well as its own (within `max_routed_accuracy_drop`), and better
    than the tasks that it would replace do (by more than that).
    """
    job = context.job
    num_required, max_drop = job.gates.replace_task_after, job.gates.max_routed_accuracy_drop
    drops = routed_accuracy_drops(evaluation, context.past_evaluations)
    contradicted_tasks = tuple(task for task, drop in drops.items() if drop > max_drop + TOLERANCE)
    if num_required is None or not contradicted_tasks or not _is_concept_drift(context, context.window):
        return result, evaluation
    candidate = ReplacementCandidate(
        result.build_manifest(plan),
        plan.task,
        contradicted_tasks,
        evaluation.score(plan.task),
        max_drop,
        job.drift.min_rows,
    )
    confirming = _confirming_windows(candidate, context, num_required - 1)
    if len(confirming) < num_required - 1:
        return result, evaluation
    result = replace(result, replaced_tasks=contradicted_tasks)
    replacement = TaskReplacement(
        tasks=contradicted_tasks,
        windows=tuple(window for window, _ in confirming),
        task_scores=tuple(task_score for _, task_score in confirming),
    )
    routed_scores = evaluate_routed(result.build_manifest(plan), holdouts, context.evaluator)
    return result, replace(evaluation, routed=routed_scores, replacement=replacement)


def _confirming_windows(
    candidate: ReplacementCandidate, context: StepContext, num_required: int
) -> list[tuple[str, TaskScore]]:
    """The latest windows that confirm the candidate, back to one of those tasks, or one that contradicts it.

    Windows of other tasks in between say nothing of these, and the same file sent again nothing new.
    """
    confirming: list[tuple[str, TaskScore]] = []
    seen_snapshots = [context.window.snapshot]
    for window in reversed(context.earlier_windows):
        if len(confirming) == num_required or window.task in candidate.contradicted_tasks:
            break
        if (
            window.state not in _DISCARDED_STATES
            or window.snapshot in seen_snapshots
            or not _is_concept_drift(context, window)
        ):
            continue
        task_score = _score_on_window(candidate, window, context.evaluator)
        if task_score is None:
            break
        confirming.append((window.id, task_score))
        seen_snapshots.append(window.snapshot)
    return confirming


def _score_on_window(
    candidate: ReplacementCandidate, window: Window, evaluator: Evaluator
) -> TaskScore | None:
    """What the new task answers to all rows of a window; None where it is not well enough, or not known."""
    positive_class = candidate.manifest.task(candidate.task).positive_class
    requests = [
        EvalRequest(task=name, rows=str(window.snapshot), positive_class=positive_class)
        for name in (candidate.task, *candidate.contradicted_tasks)
    ]
    try:
        new_score, *old_scores = evaluator.evaluate(candidate.manifest, requests)
    except (CorruptArtifact, KeyError, ValueError):
        return None  # its rows are gone, or were stored under other columns
    if new_score.rows < candidate.min_rows:
        return None
    if routed_drop(candidate.own_score, new_score) > candidate.margin:
        return None
    is_better = all(routed_drop(new_score, old_score) > candidate.margin for old_score in old_scores)
    return new_score if is_better else None


def _is_concept_drift(context: StepContext, window: Window) -> bool:
    """Whether its inputs look as before and their labels differ."""
    report = context.record_of(window.id).report
    return report is not None and report.kind is DriftKind.CONCEPT_DRIFT
