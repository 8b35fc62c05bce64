"""From evaluated to promoted, pending approval or rejected: the gates decide."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.evaluation import GateResult
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import GateConfig, Job
from growlearn.domain.stream import Transition
from growlearn.domain.window import WindowState
from growlearn.evaluation.gates import check_gates
from growlearn.evaluation.gates.gate_input import GateInput
from growlearn.evaluation.prediction_flips import count_candidate_flips
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.transitions import make_final_transition, make_rejected_branches, stale_plan_reason
from growlearn.ports import ProgressCallback
from growlearn.registry.decide import decide_by_gates
from growlearn.registry.promotion import promote_version, set_challenger
from growlearn.registry.records import CandidatePlan, make_branches, make_task, make_version

_ACTOR = "gates"
"""Who moved an alias when no person did."""


def promote_or_reject(context: StepContext, _: ProgressCallback) -> Transition:
    """From evaluated to promoted, pending approval or rejected: the gates decide, and the record says why."""
    stream, at, record = context.stream, context.record_time, context.record
    plan, result, evaluation = record.plan, record.result, record.evaluation
    assert plan is not None
    assert result is not None
    assert evaluation is not None, "an evaluated window has plan, result and evaluation"
    if plan.parent_version != stream.parent_version:
        return _reject(context, stale_plan_reason(plan, stream))
    stored_branches = context.ports.store.branches(stream.name)
    version = make_version(plan, result, evaluation, context.versions, context.parent, at, stored_branches)
    past = context.past_evaluations
    gates = check_gates(
        GateInput(
            evaluation=evaluation,
            past_evaluations=past,
            result=result,
            parameters=version.parameters,
            model_selection=record.model_selection,
            flips=count_candidate_flips(evaluation, past, context.ports.artifacts),
            kept_task=plan.kept_task if isinstance(plan, GrowthPlan) else None,
        ),
        _gate_config(plan, context.job),
    )
    decision = decide_by_gates(gates, context.job.registry.promote, stream.champion)
    decision = replace(decision, reason=f"{_describe_refinement(plan)}{decision.reason}")
    if decision.state is WindowState.REJECTED:
        return _reject(context, decision.reason, gates)
    change_aliases = promote_version if decision.state is WindowState.PROMOTED else set_challenger
    reason, versions = f"{plan.window}: {decision.reason}", (*context.versions, version)
    alias_changes, parent_version = change_aliases(stream, versions, version.number, _ACTOR, reason, at)
    new_task = make_task(plan, result, version.number)
    return make_final_transition(
        context,
        decision.state,
        task=None if new_task is None else new_task.name,
        reason=decision.reason,
        gates=gates,
        version=version,
        parent_version=parent_version,
        parent_version_before=plan.parent_version,
        branches=make_branches(plan, result, version.number, at),
        new_task=new_task,
        alias_changes=alias_changes,
    )


def _reject(context: StepContext, reason: str, gates: tuple[GateResult, ...] = ()) -> Transition:
    branches = make_rejected_branches(context)
    return make_final_transition(context, WindowState.REJECTED, reason=reason, gates=gates, branches=branches)


def _describe_refinement(plan: CandidatePlan) -> str:
    """What a refinement did, before the reason of the decision; empty for another plan."""
    if not isinstance(plan, GrowthPlan) or plan.refinement is None:
        return ""
    return f"refined {plan.task!r} with {plan.refinement.new_rows:,} new rows: "


def _gate_config(plan: CandidatePlan, job: Job) -> GateConfig:
    """The job's gates; a consolidation may lose what the job allowed it when it was planned."""
    if isinstance(plan, GrowthPlan):
        return job.gates
    return replace(job.gates, max_forgetting=plan.max_accuracy_drop)
