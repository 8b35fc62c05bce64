"""Leases on windows, and the one way a window changes its state."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from growlearn.adapters.db import alerts, decision_log, growths, ingest, model, outbox, record
from growlearn.adapters.db.canaries import end_canary_of_moved_alias
from growlearn.adapters.db.mapping import from_row, get_columns, lock_existing_stream, lock_stream, to_row
from growlearn.adapters.db.tables import StreamRow, WindowRow
from growlearn.domain.alert import make_step_failure_alert, make_transition_alerts
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import ConcurrentUpdate, LeaseLost, NotFound
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Transition, make_transition_conflict
from growlearn.domain.window import (
    IN_PROGRESS,
    PENDING,
    Claim,
    Verdict,
    Window,
    WindowState,
    check_transition,
    parse_window_number,
)

_COUNT_LOCK = 0x67726F77  # of this database, for those who count leases


def claim_pending_window(
    connection: Connection, stream: str, worker: str, now: datetime, lease_s: float
) -> Window | None:
    """Lease the pending window of a stream that is next, unless another worker's lease there still runs."""
    if not lock_stream(connection, stream):
        return None
    candidate = aliased(WindowRow)
    consolidation_first = case((candidate.verdict == Verdict.FULL, 0), else_=1)  # domain/window.py, turn
    progress_order = case(
        *((candidate.state == state, position) for position, state in enumerate(IN_PROGRESS)),
        else_=len(IN_PROGRESS),
    )
    next_number = (
        select(candidate.number)
        .where(candidate.stream == stream, candidate.state.in_(PENDING))
        .order_by(consolidation_first, progress_order, candidate.number)
        .limit(1)
    )
    is_leased_elsewhere = exists().where(
        candidate.stream == stream, candidate.lease_owner != worker, candidate.lease_until > now
    )
    statement = (
        update(WindowRow)
        .where(
            WindowRow.stream == stream,
            WindowRow.number == next_number.scalar_subquery(),
            ~is_leased_elsewhere,
        )
        .values(
            lease_owner=worker,
            lease_until=now + timedelta(seconds=lease_s),
            progress=None,
            claim=WindowRow.claim + 1,
        )
        .returning(*get_columns(Window, WindowRow))
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else from_row(Window, row)


def count_leased_streams(connection: Connection, besides: str, now: datetime) -> int:
    """How many other streams have an active lease; nobody else counts until this transaction ends.

    SQLite has one writer at a time anyway. An index finds the pending windows of each stream.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_COUNT_LOCK)))
    is_leased = exists().where(
        WindowRow.stream == StreamRow.name, WindowRow.state.in_(PENDING), WindowRow.lease_until > now
    )
    query = select(func.count()).select_from(StreamRow).where(StreamRow.name != besides, is_leased)
    return connection.scalar(query) or 0


def open_window(connection: Connection, window: Window, plan: ConsolidationPlan) -> bool:
    """Add a window without a file, with its plan; False where its number is taken."""
    lock_existing_stream(connection, window.stream)
    number_is_taken = exists().where(WindowRow.stream == window.stream, WindowRow.number == window.number)
    if connection.scalar(select(number_is_taken)):
        return False
    connection.execute(insert(WindowRow).values(to_row(window)))
    growths.write_plan(connection, window.stream, window.id, plan)
    return True


def requeue_window(connection: Connection, stream: str, window: str, at: datetime) -> bool:
    """Send a window that awaits labels back to be judged again; False where it no longer awaits labels."""
    lock_stream(connection, stream)
    statement = update(WindowRow).where(
        WindowRow.stream == stream,
        WindowRow.number == parse_window_number(window),
        WindowRow.state == WindowState.AWAITING_LABELS,
    )
    return connection.execute(statement.values(state=WindowState.ACCEPTED, updated_at=at)).rowcount == 1


def has_active_lease(connection: Connection, stream: str, now: datetime) -> bool:
    """Whether some worker's lease runs now; only a pending window has one, and an index finds those."""
    is_leased = exists().where(
        WindowRow.stream == stream, WindowRow.state.in_(PENDING), WindowRow.lease_until > now
    )
    return bool(connection.scalar(select(is_leased)))


def renew_lease(
    connection: Connection, claim: Claim, now: datetime, lease_s: float, progress: Progress | None
) -> bool:
    """Extend a lease, with new progress; False where the window is not leased under this claim."""
    values: dict[str, object] = {"lease_until": now + timedelta(seconds=lease_s)}
    if progress is not None:
        values["progress"] = progress
    return connection.execute(update(WindowRow).where(_is_leased_under(claim)).values(values)).rowcount == 1


def release_lease(connection: Connection, claim: Claim) -> None:
    """End a lease; nothing happens where the window is not leased under this claim."""
    statement = update(WindowRow).where(_is_leased_under(claim))
    connection.execute(statement.values(lease_owner=None, lease_until=None, progress=None))


def count_pending_windows(connection: Connection, stream: str) -> int:
    """How many windows are pending."""
    query = select(func.count()).select_from(WindowRow)
    return connection.scalar(query.where(WindowRow.stream == stream, WindowRow.state.in_(PENDING))) or 0


def record_window_failure(connection: Connection, claim: Claim, reason: str, at: datetime) -> int:
    """Count a failure of a window; raises LeaseLost where it is not leased under this claim."""
    statement = (
        update(WindowRow)
        .where(_is_leased_under(claim))
        .values(failures=WindowRow.failures + 1, reason=reason, updated_at=at)
        .returning(WindowRow.failures)
    )
    failures: int | None = connection.scalar(statement)
    if failures is None:
        raise LeaseLost(
            f"window {claim.window} of stream {claim.stream!r} is not leased to {claim.worker!r} any more"
        )
    alerts.insert_alerts(connection, [make_step_failure_alert(claim, reason, at)])
    return failures


def _is_leased_under(claim: Claim) -> ColumnElement[bool]:
    return and_(
        WindowRow.stream == claim.stream,
        WindowRow.number == parse_window_number(claim.window),
        WindowRow.lease_owner == claim.worker,
        WindowRow.claim == claim.number,
    )


def apply_transition(connection: Connection, transition: Transition) -> Window:
    """Make one legal transition with all its records; a final state ends the lease.

    Raises IllegalTransition, LeaseLost where the window is not leased under the transition's claim, or
    ConcurrentUpdate where it is not in `source`, or a branch, version or task of the transition is stored.
    """
    check_transition(transition.source, transition.target)
    lock_stream(connection, transition.stream)
    statement = (
        update(WindowRow)
        .where(
            _is_leased_under(transition.window_claim),
            WindowRow.state == transition.source,
        )
        .values(_make_transition_columns(transition))
        .returning(*get_columns(Window, WindowRow))
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise _make_conflict(connection, transition)
    decision = decision_log.write_transition_entry(connection, transition)
    record.write_window_record(connection, transition)
    model.insert_model_records(connection, transition)
    if transition.parent_version is not None:
        model.require_parent_version(connection, transition.stream, transition.parent_version_before)
    model.apply_alias_changes(
        connection, transition.stream, transition.alias_changes, transition.parent_version, decision
    )
    if transition.alias_changes:
        end_canary_of_moved_alias(connection, transition.stream, transition.at, transition.worker)
    for message in transition.messages:
        outbox.enqueue_message(connection, message)
    alerts.insert_alerts(connection, make_transition_alerts(transition))
    return from_row(Window, row)


def _make_transition_columns(transition: Transition) -> dict[str, object]:
    changes: dict[str, object] = {
        "state": transition.target,
        "updated_at": transition.at,
        "progress": None,
        "failures": 0,  # they are counted for each step
    }
    for name in ("verdict", "task", "reason", "labels_required", "judged_by_version"):
        if getattr(transition, name) is not None:
            changes[name] = getattr(transition, name)
    if transition.target not in PENDING:
        changes |= {"lease_owner": None, "lease_until": None}
    return changes


def _make_conflict(connection: Connection, transition: Transition) -> ConcurrentUpdate:
    """Why a transition was not made."""
    try:
        current = ingest.get_window(connection, transition.stream, transition.window)
    except NotFound:
        return make_transition_conflict(transition, None, None)
    owner = connection.scalar(
        select(WindowRow.lease_owner).where(
            WindowRow.stream == current.stream, WindowRow.number == current.number
        )
    )
    return make_transition_conflict(transition, current, owner)
