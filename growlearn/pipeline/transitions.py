"""Moves of a window from one state to the next, with what is recorded in the same transaction."""

from __future__ import annotations

from growlearn.domain.decision_log import compute_job_digest
from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.stream import AliasChange, Message, MessageKind, Stream, Transition
from growlearn.domain.window import WindowState
from growlearn.pipeline.context import StepContext
from growlearn.registry.records import CandidatePlan

MAX_TRAINING_FAILURES = 5
"""Trainings of one window that may fail before it is rejected."""


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


def retry_or_reject(context: StepContext, error: GrowLearnError) -> Transition:
    """Count a failed training and raise its error, or, once there were enough of them, reject the window."""
    claim, ports = context.window.claimed_by(context.ports.worker), context.ports
    reason = f"growing failed: {error}"
    failures = ports.store.record_failure(claim, reason, ports.clock.now())
    if failures < MAX_TRAINING_FAILURES:
        raise error
    return make_final_transition(
        context, WindowState.REJECTED, reason=f"given up after {failures} tries; {reason}"
    )


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
