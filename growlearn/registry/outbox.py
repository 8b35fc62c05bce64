"""Delivery of what the tracker must learn: in order, stream by stream, as often as it takes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from growlearn.domain.evaluation import AccuracyMatrix, matrix_of
from growlearn.domain.lineage import Branch, Version
from growlearn.domain.stream import (
    Alias,
    Message,
    MessageKind,
    PendingMessage,
    Receipt,
    Stream,
    WindowRecord,
)
from growlearn.domain.window import Window
from growlearn.ports import Clock, CycleRecord, Store, Tracker
from growlearn.registry.ancestry import chain
from growlearn.registry.figures import cells_of
from growlearn.registry.matrix import evaluations_of, matrix_for
from growlearn.registry.story import story_of_window

_log = logging.getLogger(__name__)


def deliver(store: Store, tracker: Tracker, clock: Clock, stream: str | None = None) -> int:
    """Tell the tracker all that is pending, of one stream or of all; returns how many were delivered.

    A delivery that fails is counted, with its reason, and ends that stream's turn, because order
    matters; other streams go on, and the next call tries again.
    """
    names = [each.name for each in store.streams()] if stream is None else [stream]
    return sum(_deliver_stream(store, tracker, clock, name) for name in names)


def _deliver_stream(store: Store, tracker: Tracker, clock: Clock, stream: str) -> int:
    count = 0
    while pending := store.pending_messages(stream):
        for message in pending:
            if not _deliver_one(store, tracker, clock, message):
                return count
            count += 1
    return count


def _deliver_one(store: Store, tracker: Tracker, clock: Clock, pending: PendingMessage) -> bool:
    message = pending.message
    try:
        receipt = _tell(store, tracker, message)
    except Exception as error:  # whatever the tracker raises, the stream's own work must go on
        reason = f"{type(error).__name__}: {error}"
        _log.warning("stream %r: the tracker was not told: %s", message.stream, reason)
        store.undelivered(pending.id, reason, clock.now())
        return False
    store.delivered(pending.id, receipt, clock.now())
    return True


def _tell(store: Store, tracker: Tracker, message: Message) -> Receipt:
    if message.kind is MessageKind.CYCLE:
        if message.window is None:
            raise ValueError("a cycle message must name its window")
        return tracker.log_cycle(cycle_record(store, message.stream, message.window))
    _follow_aliases(store, tracker, message.stream)
    return Receipt()


def _follow_aliases(store: Store, tracker: Tracker, name: str) -> None:
    """Set aliases as they stand; again where they moved meanwhile, so that no older state stays."""
    stream = store.stream(name)
    while True:
        targets = _alias_targets(stream, store.versions(name))
        if targets:
            tracker.set_aliases(stream, targets)
        told, stream = stream, store.stream(name)
        if (stream.champion, stream.challenger) == (told.champion, told.challenger):
            return


def cycle_record(store: Store, stream_name: str, window_id: str) -> CycleRecord:
    """All the tracker is told of a window, built from the store alone.

    The matrix ends with the window's own evaluation where it has one, kept or rejected; else it is
    that of the newest version before it that the stream's base grew from. Branches are those grown up
    to this window. So a mirror that is rebuilt later says the same.
    """
    stream = store.stream(stream_name)
    window = store.window(stream_name, window_id)
    numbers = {each.id: each.number for each in store.windows(stream_name)}
    versions = store.versions(stream_name)
    record = store.record(stream_name, window_id)
    return CycleRecord(
        stream=stream,
        window=window,
        record=record,
        matrix=_matrix(store, stream, versions, window, record),
        version=next((each for each in versions if each.window == window_id), None),
        branches=_grown_by(store.branches(stream_name), window, numbers),
        base_cells=() if record.plan is None else cells_of(store, stream_name, record.plan.base_version),
        story=story_of_window(store, stream_name, window_id),
    )


def _matrix(
    store: Store, stream: Stream, versions: Sequence[Version], window: Window, record: WindowRecord
) -> AccuracyMatrix:
    if record.plan is not None and record.evaluation is not None:
        base = record.plan.base_version
        past = () if base is None else evaluations_of(store, stream.name, chain(versions, base))
        return matrix_of((*past, record.evaluation))
    line = () if stream.base is None else chain(versions, stream.base)
    numbers = {each.id: each.number for each in store.windows(stream.name)}
    moment = (window.updated_at, window.number)
    earlier = [each for each in line if (each.created_at, numbers[each.window]) < moment]
    return matrix_for(store, stream.name, earlier[-1].number if earlier else None)


def _grown_by(branches: Sequence[Branch], window: Window, numbers: dict[str, int]) -> tuple[Branch, ...]:
    """Those there were when the window ended; one that consolidates may go before a lower number."""
    moment = (window.updated_at, window.number)
    return tuple(each for each in branches if (each.created_at, numbers[each.window]) <= moment)


def _alias_targets(stream: Stream, versions: Sequence[Version]) -> dict[Alias, str | None]:
    """Tracker version by alias, None for one that must go.

    An alias whose version the tracker has not been told of yet is left out: its own message comes
    later in the queue.
    """
    registered = {version.number: version.mlflow_version for version in versions}
    if not any(registered.values()):
        return {}  # the tracker knows no model yet: there is nothing an alias could stand at
    standing = {Alias.CHAMPION: stream.champion, Alias.CHALLENGER: stream.challenger}
    targets = {alias: None if number is None else registered[number] for alias, number in standing.items()}
    return {
        alias: target for alias, target in targets.items() if standing[alias] is None or target is not None
    }
