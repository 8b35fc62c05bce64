"""Who works on which window, and the one way a window moves."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from growlearn.adapters.db import intake, ledger, model, outbox, record
from growlearn.adapters.db.columns import number_of
from growlearn.adapters.db.mapping import columns, lock, lock_known, read, values
from growlearn.adapters.db.tables import WindowRow
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import LostRace, UnknownName
from growlearn.domain.stream import Transition
from growlearn.domain.window import BEGUN, PENDING, Verdict, Window, WindowState, check_transition


def claim(connection: Connection, stream: str, worker: str, now: datetime, lease_s: float) -> Window | None:
    """Lease the pending window of a stream that is next, unless another worker's lease there still runs."""
    if not lock(connection, stream):
        return None
    other = aliased(WindowRow)
    room = case((other.verdict == Verdict.FULL, 0), else_=1)  # domain/window.py, turn
    begun = case(*((other.state == state, at) for at, state in enumerate(BEGUN)), else_=len(BEGUN))
    next_one = (
        select(other.number)
        .where(other.stream == stream, other.state.in_(PENDING))
        .order_by(room, begun, other.number)
        .limit(1)
    )
    busy = exists().where(other.stream == stream, other.lease_owner != worker, other.lease_until > now)
    taken = (
        update(WindowRow)
        .where(WindowRow.stream == stream, WindowRow.number == next_one.scalar_subquery(), ~busy)
        .values(lease_owner=worker, lease_until=now + timedelta(seconds=lease_s))
        .returning(*columns(Window, WindowRow))
    )
    row = connection.execute(taken).one_or_none()
    return None if row is None else read(Window, row)


def open_window(connection: Connection, window: Window, plan: ConsolidationPlan) -> bool:
    """Add a window that no file brought, with its plan; False where its number is taken by now."""
    lock_known(connection, window.stream)
    taken = exists().where(WindowRow.stream == window.stream, WindowRow.number == window.number)
    if connection.scalar(select(taken)):
        return False
    connection.execute(insert(WindowRow).values(values(window)))
    record.write_plan(connection, window.stream, window.id, plan)
    return True


def wake(connection: Connection, stream: str, window: str, at: datetime) -> bool:
    """Send a window that waits back to be judged anew; False where it does not wait any more."""
    lock(connection, stream)
    woken = update(WindowRow).where(
        WindowRow.stream == stream,
        WindowRow.number == number_of(window),
        WindowRow.state == WindowState.WAITING,
    )
    return connection.execute(woken.values(state=WindowState.ACCEPTED, updated_at=at)).rowcount == 1


def is_led(connection: Connection, stream: str, now: datetime) -> bool:
    """Whether some worker's lease runs now."""
    led = exists().where(WindowRow.stream == stream, WindowRow.lease_until > now)
    return bool(connection.scalar(select(led)))


def renew(
    connection: Connection, stream: str, window: str, worker: str, now: datetime, lease_s: float
) -> bool:
    """Lengthen a lease; False where it is not this worker's."""
    longer = update(WindowRow).where(_leased(stream, window, worker))
    return connection.execute(longer.values(lease_until=now + timedelta(seconds=lease_s))).rowcount == 1


def release(connection: Connection, stream: str, window: str, worker: str) -> None:
    """Give a lease up; nothing happens where it is not this worker's."""
    free = update(WindowRow).where(_leased(stream, window, worker))
    connection.execute(free.values(lease_owner=None, lease_until=None))


def count_pending(connection: Connection, stream: str) -> int:
    """How many windows a worker has something to do for."""
    query = select(func.count()).select_from(WindowRow)
    return connection.scalar(query.where(WindowRow.stream == stream, WindowRow.state.in_(PENDING))) or 0


def failed(connection: Connection, stream: str, window: str, worker: str, reason: str, at: datetime) -> int:
    """Count a failure of a window this worker leads; raises LostRace where it does not."""
    counted = (
        update(WindowRow)
        .where(_leased(stream, window, worker))
        .values(failures=WindowRow.failures + 1, reason=reason, updated_at=at)
        .returning(WindowRow.failures)
    )
    failures: int | None = connection.scalar(counted)
    if failures is None:
        raise LostRace(f"window {window} of stream {stream!r} is not leased to {worker!r} any more")
    return failures


def _leased(stream: str, window: str, worker: str) -> ColumnElement[bool]:
    return and_(
        WindowRow.stream == stream,
        WindowRow.number == number_of(window),
        WindowRow.lease_owner == worker,
    )


def advance(connection: Connection, transition: Transition) -> Window:
    """Make one legal move with all its records; a final state gives the lease back.

    Raises IllegalTransition, or LostRace where the window is not in `source` or not leased to
    `worker`, or a branch, version or task of the move exists already.
    """
    check_transition(transition.source, transition.target)
    lock(connection, transition.stream)
    moved = (
        update(WindowRow)
        .where(
            _leased(transition.stream, transition.window, transition.worker),
            WindowRow.state == transition.source,
        )
        .values(_changes(transition))
        .returning(*columns(Window, WindowRow))
    )
    row = connection.execute(moved).one_or_none()
    if row is None:
        raise LostRace(_why_lost(connection, transition))
    record.write(connection, transition)
    model.add(connection, transition)
    if transition.base is not None:
        model.require_base(connection, transition.stream, transition.base_before)
    model.move(connection, transition.stream, transition.alias_moves, transition.base)
    ledger.write_step(connection, transition)
    for message in transition.messages:
        outbox.send(connection, message)
    return read(Window, row)


def _changes(transition: Transition) -> dict[str, object]:
    changes: dict[str, object] = {"state": transition.target, "updated_at": transition.at}
    for name in ("verdict", "task", "reason", "wanted", "judged_by"):
        if getattr(transition, name) is not None:
            changes[name] = getattr(transition, name)
    if transition.target not in PENDING:
        changes |= {"lease_owner": None, "lease_until": None}
    return changes


def _why_lost(connection: Connection, transition: Transition) -> str:
    wanted = f"{transition.source} and leased to {transition.worker!r}"
    try:
        found = intake.one(connection, transition.stream, transition.window)
    except UnknownName:
        return f"window {transition.window} of stream {transition.stream!r} is gone; it was to be {wanted}"
    owner = connection.scalar(
        select(WindowRow.lease_owner).where(
            WindowRow.stream == found.stream, WindowRow.number == found.number
        )
    )
    stands = f"{found.state} and {'not leased' if owner is None else f'leased to {owner!r}'}"
    return f"window {found.id} of stream {found.stream!r} is {stands}; it was to be {wanted}"
