"""Leases on windows, and the one way a window changes its state, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from growlearn.adapters.memory.canaries import end_canary_of_moved_alias
from growlearn.adapters.memory.decision_log import append_transition_entry
from growlearn.adapters.memory.ingest import require_window, select_windows
from growlearn.adapters.memory.model import add_model_records, change_aliases, check_parent_version
from growlearn.adapters.memory.record import update_record
from growlearn.adapters.memory.state import HeldLease, StreamState, StreamStates
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import LeaseLost, NotFound
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Transition, WindowRecord, make_transition_conflict
from growlearn.domain.window import PENDING, Claim, Window, WindowState, queue_priority


def lease_next_window(state: StreamState, worker: str, now: datetime, lease_s: float) -> Window | None:
    """Lease the pending window of a stream that is next, unless another worker's lease there still runs."""
    pending = sorted(select_windows(state, PENDING), key=queue_priority)
    if not pending:
        return None
    if any(lease.owner != worker and lease.until > now for lease in state.leases.values()):
        return None
    claimed = replace(pending[0], claim=pending[0].claim + 1)
    state.windows[claimed.id] = claimed
    state.leases[claimed.id] = HeldLease(worker, now + timedelta(seconds=lease_s))
    return claimed


def count_other_leased_streams(states: StreamStates, besides: str, now: datetime) -> int:
    """How many other streams have an active lease."""
    others = [state for state in states.list_all() if state.stream.name != besides]
    return sum(is_leased(state, now) for state in others)


def is_leased(state: StreamState, now: datetime) -> bool:
    """Whether some worker's lease runs now."""
    return any(lease.until > now for lease in state.leases.values())


def add_window(state: StreamState, window: Window, plan: ConsolidationPlan) -> bool:
    """Add a window without a file, with its plan; False where its number is taken."""
    if window.id in state.windows:
        return False
    state.windows[window.id] = window
    state.records[window.id] = WindowRecord(plan=plan)
    return True


def return_to_judging(state: StreamState | None, window: str, at: datetime) -> bool:
    """Send a window that awaits labels back to be judged again; False where it no longer awaits labels."""
    old = None if state is None else state.windows.get(window)
    if state is None or old is None or old.state is not WindowState.AWAITING_LABELS:
        return False
    state.windows[window] = replace(old, state=WindowState.ACCEPTED, updated_at=at)
    return True


def find_claimed(states: StreamStates, claim: Claim) -> StreamState | None:
    """The state of a claim's stream; None where the window is not leased under this claim."""
    state = states.find(claim.stream)
    if state is None or _find_owner(state, claim.window) != claim.worker:
        return None
    return state if state.windows[claim.window].claim == claim.number else None


def _find_owner(state: StreamState | None, window: str) -> str | None:
    lease = None if state is None else state.leases.get(window)
    return None if lease is None else lease.owner


def extend_lease(
    state: StreamState, claim: Claim, now: datetime, lease_s: float, progress: Progress | None
) -> None:
    """Extend a lease, with new progress."""
    until = now + timedelta(seconds=lease_s)
    state.leases[claim.window] = HeldLease(
        claim.worker, until, progress or state.leases[claim.window].progress
    )


def count_window_failure(states: StreamStates, claim: Claim, reason: str, at: datetime) -> int:
    """Count a failure of a window; raises LeaseLost where it is not leased under this claim."""
    window = claim.window
    if find_claimed(states, claim) is None:
        raise LeaseLost(
            f"window {window} of stream {claim.stream!r} is not leased to {claim.worker!r} any more"
        )
    with states.draft(claim.stream) as state:
        state.failures[window] = state.failures.get(window, 0) + 1
        state.windows[window] = replace(state.windows[window], reason=reason, updated_at=at)
        return state.failures[window]


def advance_window(states: StreamStates, transition: Transition) -> Window:
    """Make one legal transition with all its records; a final state ends the lease.

    Raises LeaseLost where the window is not leased under the transition's claim, or ConcurrentUpdate where it
    is not in `source`, or a branch, version or task of the transition is stored.
    """
    _require_lease(states, transition)
    with states.draft(transition.stream) as state:
        window = _update_window(state.windows[transition.window], transition)
        state.windows[window.id] = window
        state.failures.pop(window.id, None)  # they are counted for each step
        old_record = state.records.get(window.id, WindowRecord())
        state.records[window.id] = update_record(old_record, transition)
        if window.state in PENDING:
            state.leases[window.id] = replace(state.leases[window.id], progress=None)
        else:
            del state.leases[window.id]
        add_model_records(state, transition)
        if transition.parent_version is not None:
            check_parent_version(state, transition.parent_version_before)
        change_aliases(state, transition.alias_changes, transition.parent_version)
        append_transition_entry(state, transition)
        if transition.alias_changes:
            end_canary_of_moved_alias(state, transition.at, transition.worker)
        return window


def _require_lease(states: StreamStates, transition: Transition) -> None:
    state = states.find(transition.stream)
    try:
        current = require_window(state, transition.stream, transition.window)
    except NotFound:
        raise make_transition_conflict(transition, None, None) from None
    is_claimed = find_claimed(states, transition.window_claim) is not None
    if current.state is not transition.source or not is_claimed:
        raise make_transition_conflict(transition, current, _find_owner(state, transition.window))


def _update_window(window: Window, transition: Transition) -> Window:
    """The window after a transition."""
    return replace(
        window,
        state=transition.target,
        updated_at=transition.at,
        verdict=transition.verdict or window.verdict,
        task=window.task if transition.task is None else transition.task,
        reason=window.reason if transition.reason is None else transition.reason,
        labels_required=window.labels_required
        if transition.labels_required is None
        else transition.labels_required,
        judged_by_version=window.judged_by_version
        if transition.judged_by_version is None
        else transition.judged_by_version,
    )
