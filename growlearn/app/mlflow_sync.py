"""Delivers pending messages to MLflow; a failure there loses nothing, the messages are sent again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from growlearn.app.composition import open_tracker, system_clock
from growlearn.app.deliverer import Delivery
from growlearn.app.log_lines import log_fields
from growlearn.app.outages import Outages
from growlearn.domain.errors import GrowLearnError, LeaseLost
from growlearn.domain.redaction import redact
from growlearn.domain.stream import ALL_MESSAGES, Message, TrackerIds, UndeliverableMessage
from growlearn.pipeline.lease import Lease, renew_periodically
from growlearn.ports import Store
from growlearn.registry import outbox
from growlearn.registry.outbox import LOG_FAILURES, DeliveryEvents
from growlearn.registry.registered_model import find_moved_aliases, requeue_lost
from growlearn.settings import Settings

_POLL_INTERVAL_S = 0.5
_MLFLOW = "MLflow"  # how lines about outages name it


def sync_mlflow(settings: Settings, store: Store, stream: str, on_error: Callable[[str], None]) -> int:
    """Deliver a stream's pending messages to MLflow for a person who waits; returns how many remain.

    What was registered and is gone there is registered again; an alias that others moved is reported. Only
    the process that holds the outbox lease delivers, so that no message is sent twice: the call waits until
    another process's lease ends, because that process may have died. What could not be delivered is tried
    once more, because its reason may be fixed.
    """
    deadline_s = time.monotonic() + settings.lease_s + _POLL_INTERVAL_S
    store.outbox.requeue_undeliverable(stream)
    _requeue_lost(settings, store, stream, on_error)
    while store.outbox.pending(stream, limit=1):
        has_delivered = _deliver_under_lease(settings, store, stream, LOG_FAILURES, on_error)
        if has_delivered or time.monotonic() > deadline_s:
            break
        time.sleep(_POLL_INTERVAL_S)
    for message in store.outbox.undeliverable(stream):
        on_error(describe_undeliverable(message))
    num_remaining = len(store.outbox.pending(stream, limit=ALL_MESSAGES))
    if num_remaining:
        on_error(f"{num_remaining} messages wait for MLflow; they are kept and sent again with the next run")
        return num_remaining
    for text in list_mlflow_warnings(settings, store, stream):
        on_error(text)
    return 0


def deliver_stream(
    settings: Settings, store: Store, stream: str, write: Callable[[str], None], outages: Outages
) -> Delivery:
    """Deliver a stream's pending messages for a service: a line for each, and one for an outage."""
    failures: list[str] = []

    def write_delivery(message: Message, tracker_ids: TrackerIds) -> None:
        with log_fields(window=message.window):
            write(_describe_delivery(message, tracker_ids))

    events = DeliveryEvents(
        on_delivered=write_delivery,
        on_failure=lambda _, reason: failures.append(reason),
    )
    _requeue_lost(settings, store, stream, write)
    if store.outbox.pending(stream, limit=1):
        if not _deliver_under_lease(settings, store, stream, events, failures.append):
            return Delivery.ELSEWHERE
        if failures and store.outbox.pending(stream, limit=1):
            outages.report(_MLFLOW, failures[-1])
            return Delivery.FAILED
        outages.clear(_MLFLOW)
    for undeliverable in store.outbox.undeliverable(stream):
        outages.warn(f"undeliverable {undeliverable.message}", describe_undeliverable(undeliverable))
    outages.warn(f"aliases of {stream}", "; ".join(list_mlflow_warnings(settings, store, stream)))
    return Delivery.DONE


def _describe_delivery(message: Message, tracker_ids: TrackerIds) -> str:
    if message.window is None:
        return f"{message.stream}: aliases set in MLflow"
    version = (
        "" if tracker_ids.model_version is None else f", registered as version {tracker_ids.model_version}"
    )
    return f"{message.stream} {message.window} delivered to MLflow{version}"


def describe_undeliverable(undeliverable: UndeliverableMessage) -> str:
    """What MLflow will not be told unless somebody changes something, and why."""
    message = undeliverable.message
    subject = "the aliases" if message.window is None else f"window {message.window}"
    return (
        f"MLflow cannot be told about {subject} of stream {message.stream!r}, and no worker tries again: "
        f"{undeliverable.reason}; once that is fixed, run: growlearn run {message.stream}"
    )


def list_mlflow_warnings(settings: Settings, store: Store, stream: str) -> tuple[str, ...]:
    """Each alias that MLflow has elsewhere than the record; or, where MLflow cannot be read, the reason.

    It changes nothing, and asks nothing about a stream of which no version was registered.
    """
    versions = store.versions(stream)
    if not any(version.mlflow_version for version in versions):
        return ()
    stored_stream = store.stream(stream)
    try:
        model = open_tracker(settings).read_registered_model(stored_stream, versions)
    except GrowLearnError as error:
        return (f"the aliases in MLflow were not compared with the record: {error}",)
    return () if model is None else tuple(map(str, find_moved_aliases(stored_stream, model)))


def _requeue_lost(settings: Settings, store: Store, stream: str, on_error: Callable[[str], None]) -> None:
    versions = store.versions(stream)
    if not any(version.mlflow_version for version in versions):
        return
    stored_stream = store.stream(stream)
    try:
        model = open_tracker(settings).read_registered_model(stored_stream, versions)
    except Exception:  # the delivery, or the warnings after it, give the reason
        return
    lost = None if model is None else requeue_lost(store, stored_stream, model)
    if lost:
        on_error(f"{lost} of stream {stream!r} no longer in MLflow; to be registered again")


def _deliver_under_lease(
    settings: Settings, store: Store, stream: str, events: DeliveryEvents, on_error: Callable[[str], None]
) -> bool:
    """Deliver what is pending; False where another process holds the outbox lease, or takes it meanwhile.

    Raises what the store raises: its database or disk is meant then, not MLflow.
    """
    with _hold_outbox_lease(settings, store, stream) as lease:
        if lease is None:
            return False
        try:
            tracker = open_tracker(settings)
        except Exception as error:  # MLflow raises many kinds; none may stop the caller
            on_error(redact(f"MLflow at {settings.mlflow_tracking_uri} cannot be reached: {error}"))
            return True
        try:
            outbox.deliver_messages(
                store, tracker, system_clock(), stream, replace(events, before=lease.require)
            )
        except LeaseLost:
            return False
    return True


@contextmanager
def _hold_outbox_lease(settings: Settings, store: Store, stream: str) -> Iterator[Lease | None]:
    """Hold the outbox lease and renew it; yields None where another process holds it."""
    worker, lease_s = settings.worker, settings.lease_s

    def claim() -> bool:
        return store.outbox.claim(stream, worker, system_clock().now(), lease_s)

    if not claim():
        yield None
        return
    description = f"the outbox of stream {stream!r}"
    lease = Lease(claim, system_clock(), lease_s, description)
    try:
        with renew_periodically(lease.renew, lease_s, description):
            yield lease
    finally:
        store.outbox.release(stream, worker)
