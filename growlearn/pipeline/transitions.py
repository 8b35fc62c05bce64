"""Moves of a window from one state to the next, with what is recorded in the same transaction."""

from __future__ import annotations

from growlearn.domain.decision_log import compute_job_digest
from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import BranchRecord
from growlearn.domain.printable import format_reason
from growlearn.domain.stream import AliasChange, Message, MessageKind, Stream, Transition
from growlearn.domain.window import BUG_REASON, WindowState
from growlearn.pipeline.context import StepContext
from growlearn.registry.records import CandidatePlan, make_branches

MAX_FAILURES = 5
"""Tries of one step that may fail before its window is given up."""

_GIVEN_UP = {
    WindowState.ACCEPTED: ("judging", WindowState.QUARANTINED),
    WindowState.JUDGED: ("planning", WindowState.SKIPPED),
    WindowState.GROWING: ("growing", WindowState.REJECTED),
    WindowState.EVALUATED: ("checking the gates", WindowState.REJECTED),
}
"""What the step of a state does, and the state of a window whose step fails again and again."""


def make_transition(context: StepContext, target: WindowState, **records: object) -> Transition:
    """A move of the window to its next state, with what is recorded."""
    window, ports = context.window, context.ports
    return Transition(
        stream=window.stream,
        window=window.id,
        source=window.state,
        target=target,
        worker=ports.worker,
        claim=window.claim,
        at=context.record_time,
        snapshot=window.snapshot,
        job_digest=compute_job_digest(context.job),
        **records,  # type: ignore[arg-type]
    )


def make_final_transition(
    context: StepContext,
    target: WindowState,
    *,
    alias_changes: tuple[AliasChange, ...] = (),
    **records: object,
) -> Transition:
    """A last move, with what the tracker must learn."""
    name = context.stream.name
    messages = [Message(stream=name, kind=MessageKind.CYCLE, window=context.window.id)]
    if alias_changes:
        messages.append(Message(stream=name, kind=MessageKind.ALIASES))
    return make_transition(context, target, alias_changes=alias_changes, messages=tuple(messages), **records)


def retry_or_give_up(context: StepContext, error: Exception) -> Transition:
    """Count a failed step and raise its error, or, once there were enough of them, give the window up."""
    claim, ports = context.window.claimed_by(context.ports.worker), context.ports
    step, target = _GIVEN_UP[context.window.state]
    is_bug = not isinstance(error, GrowLearnError)
    kind = [type(error).__name__] if is_bug else []
    reason = format_reason(": ".join([f"{step} failed", *kind, *filter(None, [str(error)])]))
    failures = ports.store.record_failure(claim, reason, ports.clock.now())
    if failures < MAX_FAILURES:
        raise error
    reason = f"{BUG_REASON if is_bug else 'given up'} after {failures} tries; {reason}"
    if target is WindowState.QUARANTINED:  # the tracker hears of windows that were judged
        return make_transition(context, target, reason=reason)
    return make_final_transition(context, target, reason=reason, branches=make_rejected_branches(context))


def make_rejected_branches(context: StepContext) -> tuple[BranchRecord, ...]:
    """The branches that were trained for a window in vain; none before its training."""
    plan, result = context.record.plan, context.record.result
    if plan is None or result is None:
        return ()
    return make_branches(plan, result, None, context.record_time)


def require_recorded_parent(context: StepContext, plan: CandidatePlan) -> None:
    """Raise CorruptArtifact where a plan starts from another model than the version that it grows from."""
    if context.parent is not None and plan.parent_manifest != context.parent_manifest:
        raise CorruptArtifact(
            f"the plan of {plan.window} was changed after it was recorded: its manifest is not that of "
            f"version {context.parent.number}",
            hint="restore the database from a backup; growlearn fsck lists all damage",
        )


def stale_plan_reason(plan: CandidatePlan, stream: Stream) -> str:
    """Why a plan is given up whose parent version is no longer that of its stream."""
    refines = isinstance(plan, GrowthPlan) and plan.is_refinement
    return (
        f"grown from version {plan.parent_version}, but growth goes on from version {stream.parent_version} "
        f"by now; the same rows {'wait for the next refinement' if refines else 'may be sent again'}"
    )
