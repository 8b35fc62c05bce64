"""From judged to growing, with the plan; to awaiting labels; or to skipped."""

from __future__ import annotations

from growlearn.domain.drift import DriftKind, RemainingBudget
from growlearn.domain.errors import (
    CannotGrow,
    TooFewLabels,
)
from growlearn.domain.stream import Transition
from growlearn.domain.window import WindowState
from growlearn.drift.actions import ACTIONS
from growlearn.drift.policy import (
    TrainingRecord,
    collect_trainings,
    compute_remaining_budget,
    needs_training_history,
    veto_reason,
)
from growlearn.growth.label_delay import can_wait, has_timed_out, require_labelled_fraction, required_labels
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.drift_refinement import plan_drift_refinement
from growlearn.pipeline.new_task import plan_new_task
from growlearn.pipeline.refinement import (
    explain_too_few_rows,
    find_refinement_candidate,
    plan_refinement,
)
from growlearn.pipeline.transitions import make_final_transition, make_transition
from growlearn.ports import ProgressCallback


def plan_or_skip(context: StepContext, _: ProgressCallback) -> Transition:
    """From judged to growing, with the plan; awaiting labels, where some may still come; or skipped."""
    window, job, ports = context.window, context.job, context.ports
    report = context.record.report
    assert report is not None, "a judged window has its report"
    if not report.needs_growth:
        return _refine_or_skip(context, report.reason)
    task = report.task
    assert task is not None, "a verdict that needs growth names the task"
    veto, budget = _check_policy(context, report.kind)
    if veto is not None:
        reason = f"{report.reason}; not grown: {veto}"
        return make_final_transition(context, WindowState.SKIPPED, reason=reason, remaining_budget=budget)
    try:
        if can_wait(window, job, ports.clock.now()):
            require_labelled_fraction(window, job)
        plan = plan_drift_refinement(context) or plan_new_task(context, task)
    except TooFewLabels as error:
        return _wait_or_skip(context, report.reason, error)
    except CannotGrow as error:
        reason = f"{report.reason}; not grown: {error}"
        return make_final_transition(context, WindowState.SKIPPED, reason=reason)
    return make_transition(context, WindowState.GROWING, plan=plan, remaining_budget=budget)


def _refine_or_skip(context: StepContext, verdict_reason: str) -> Transition:
    """A window of a known task: it is learned from where that is worth it, else nothing is trained."""
    candidate = find_refinement_candidate(context)
    if candidate is None:
        return make_final_transition(context, WindowState.SKIPPED, reason=verdict_reason)
    budget = None
    why_not = explain_too_few_rows(context, candidate)
    if why_not is None:
        why_not, budget = _check_policy(context, None)
    if why_not is None:
        try:
            plan = plan_refinement(context, candidate)
        except CannotGrow as error:
            why_not = str(error)
        else:
            if plan is not None:
                return make_transition(context, WindowState.GROWING, plan=plan, remaining_budget=budget)
            why_not = f"{candidate.new_rows:,} new labelled rows are few beside those learned from"
    reason = f"{verdict_reason}; not refined: {why_not}"
    return make_final_transition(context, WindowState.SKIPPED, reason=reason, remaining_budget=budget)


def _check_policy(
    context: StepContext, drift_kind: DriftKind | None
) -> tuple[str | None, RemainingBudget | None]:
    """Why the job does not let this window be grown for, if it does not, and what its budgets still allow."""
    window, config, now = context.window, context.job.retraining_policy, context.ports.clock.now()
    assert window.verdict is not None, "a judged window has its verdict"
    trainings: tuple[TrainingRecord, ...] = ()
    if needs_training_history(config):
        # all windows: one that waited for its labels is not the last to have trained
        trainings = collect_trainings(context.windows, lambda past: context.record_of(past.id))
    veto = ACTIONS[context.job.drift.action](window.verdict) or veto_reason(
        window, drift_kind, context.earlier_windows, trainings, config, now
    )
    return veto, compute_remaining_budget(trainings, config, now)


def _wait_or_skip(context: StepContext, verdict_reason: str, error: TooFewLabels) -> Transition:
    """A window that may wait for labels, does; it holds up none of those behind it."""
    window, job, now = context.window, context.job, context.ports.clock.now()
    if can_wait(window, job, now):
        return make_transition(
            context,
            WindowState.AWAITING_LABELS,
            reason=f"{verdict_reason}; waits for labels: {error.message}",
            labels_required=required_labels(window, job),
            judged_by_version=context.stream.parent_version,
        )
    timeout = f"no labels within {job.label_delay.timeout}: " if has_timed_out(window, job, now) else ""
    return make_final_transition(
        context, WindowState.SKIPPED, reason=f"{verdict_reason}; not grown: {timeout}{error}"
    )
