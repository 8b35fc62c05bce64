"""Delivery of outbox messages to the tracker, in order, until each succeeds or is known never to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from growlearn.domain.errors import DEFECTS, CorruptArtifact, Undeliverable
from growlearn.domain.evaluation import AccuracyMatrix, build_accuracy_matrix
from growlearn.domain.lineage import BranchRecord, Version
from growlearn.domain.stream import (
    Alias,
    Message,
    MessageKind,
    PendingMessage,
    Stream,
    TrackerIds,
    WindowRecord,
)
from growlearn.domain.window import Window, parse_window_number
from growlearn.ports import Clock, Store, Tracker, WindowReport
from growlearn.registry.decision_report import explain_window
from growlearn.registry.matrix import load_accuracy_matrix, load_evaluations
from growlearn.registry.version_metrics import load_version_scores
from growlearn.registry.version_tree import get_ancestry

_log = logging.getLogger(__name__)


def _log_failure(message: Message, reason: str) -> None:
    _log.warning("stream %r: delivery to the tracker failed: %s", message.stream, reason)


@dataclass(frozen=True)
class DeliveryEvents:
    """Called around each message: `before` may raise, which ends the delivery there."""

    before: Callable[[], None] = lambda: None
    on_delivered: Callable[[Message, TrackerIds], None] = lambda _message, _ids: None
    on_failure: Callable[[Message, str], None] = _log_failure


LOG_FAILURES = DeliveryEvents()


def deliver_messages(
    store: Store,
    tracker: Tracker,
    clock: Clock,
    stream: str | None = None,
    events: DeliveryEvents = LOG_FAILURES,
) -> int:
    """Deliver the pending messages of one stream or of all; returns how many were delivered.

    A failed delivery is recorded with its reason and stops that stream, because order matters; other streams
    continue, and the next call tries again. A message that can never be delivered leaves the queue.
    """
    names = [stored_stream.name for stored_stream in store.streams()] if stream is None else [stream]
    return sum(_deliver_stream(store, tracker, clock, name, events) for name in names)


def _deliver_stream(store: Store, tracker: Tracker, clock: Clock, stream: str, events: DeliveryEvents) -> int:
    count = 0
    while pending := store.outbox.pending(stream):
        for message in pending:
            events.before()
            try:
                tracker_ids = _send_to_tracker(store, tracker, message.message)
            except Exception as error:  # no tracker error may stop the stream's own work
                reason = f"{type(error).__name__}: {error}"
                has_left = _record_failure(store, clock, message, error, reason)
                events.on_failure(message.message, reason)
                if not has_left:
                    return count
            else:
                store.outbox.record_delivery(message.id, tracker_ids, clock.now())
                events.on_delivered(message.message, tracker_ids)
                count += 1
    return count


def _record_failure(
    store: Store, clock: Clock, pending: PendingMessage, error: Exception, reason: str
) -> bool:
    """Record why a message was not delivered; whether it left the queue, so that the next may be sent."""
    if _may_succeed_later(error):
        store.outbox.record_failure(pending.id, reason, clock.now())
        return False
    store.outbox.record_undeliverable(pending.id, reason, clock.now())
    return True


def _may_succeed_later(error: Exception) -> bool:
    """Whether the same message may be taken later: when a server answers, a disk has room, a lock is free.

    Refused content and lost weights stay as they are, and so does a defect in building the message.
    """
    return not isinstance(error, (Undeliverable, CorruptArtifact, *DEFECTS))


def _send_to_tracker(store: Store, tracker: Tracker, message: Message) -> TrackerIds:
    if message.kind is MessageKind.CYCLE:
        if message.window is None:
            raise ValueError("a cycle message must name its window")
        return tracker.log_cycle(build_window_report(store, message.stream, message.window))
    _sync_aliases(store, tracker, message.stream, take=message.kind is MessageKind.TAKE_ALIASES)
    return TrackerIds()


def _sync_aliases(store: Store, tracker: Tracker, name: str, *, take: bool) -> None:
    """Set the current aliases; repeat where they changed meanwhile, so that no older state remains."""
    stream = store.stream(name)
    while True:
        versions = store.versions(name)
        targets = _alias_targets(stream, versions)
        if targets:
            tracker.set_aliases(stream, versions, targets, take=take)
        sent_stream, stream = stream, store.stream(name)
        if (stream.champion, stream.challenger) == (sent_stream.champion, sent_stream.challenger):
            return


def build_window_report(store: Store, stream_name: str, window_id: str) -> WindowReport:
    """Everything that the tracker gets about a window, built from the store alone.

    The matrix ends with the window's own evaluation where it has one, promoted or rejected; else it is that
    of the newest earlier version in the ancestry of the stream's parent version. Branches are those grown up
    to this window. So a mirror that is rebuilt later is the same.
    """
    stream = store.stream(stream_name)
    window = store.window(stream_name, window_id)
    versions = store.versions(stream_name)
    record = store.window_record(stream_name, window_id)
    return WindowReport(
        stream=stream,
        window=window,
        record=record,
        matrix=_matrix_at_window(store, stream, versions, window, record),
        version=next((item for item in versions if item.window == window_id), None),
        branches=_branches_until(store.branches(stream_name), window),
        parent_task_scores=()
        if record.plan is None
        else load_version_scores(store, stream_name, record.plan.parent_version),
        decision_report=explain_window(store, stream_name, window_id),
    )


def _matrix_at_window(
    store: Store, stream: Stream, versions: Sequence[Version], window: Window, record: WindowRecord
) -> AccuracyMatrix:
    if record.plan is not None and record.evaluation is not None:
        base = record.plan.parent_version
        past_evaluations = (
            () if base is None else load_evaluations(store, stream.name, get_ancestry(versions, base))
        )
        return build_accuracy_matrix((*past_evaluations, record.evaluation))
    ancestry = () if stream.parent_version is None else get_ancestry(versions, stream.parent_version)
    window_time = (window.updated_at, window.number)
    earlier_versions = [
        item for item in ancestry if (item.created_at, parse_window_number(item.window)) < window_time
    ]
    return load_accuracy_matrix(store, stream.name, earlier_versions[-1].number if earlier_versions else None)


def _branches_until(branches: Sequence[BranchRecord], window: Window) -> tuple[BranchRecord, ...]:
    """The branches at the end of the window; a consolidation may precede a window of lower number."""
    window_time = (window.updated_at, window.number)
    return tuple(
        branch
        for branch in branches
        if (branch.created_at, parse_window_number(branch.window)) <= window_time
    )


def _alias_targets(stream: Stream, versions: Sequence[Version]) -> dict[Alias, int | None]:
    """Version by alias, None for an alias to delete.

    An alias whose version is not registered yet is omitted: its own message comes later in the queue.
    """
    registered = {version.number for version in versions if version.mlflow_version is not None}
    if not registered:
        return {}  # no model is registered yet, so no alias can be set
    current = {Alias.CHAMPION: stream.champion, Alias.CHALLENGER: stream.challenger}
    return {alias: number for alias, number in current.items() if number is None or number in registered}
