"""Delivers pending messages to MLflow; a failure there loses nothing, the messages are sent again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from growlearn.app.composition import open_tracker, system_clock
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.redaction import redact
from growlearn.domain.stream import UndeliverableMessage
from growlearn.pipeline.lease import renew_periodically
from growlearn.ports import Store
from growlearn.registry import outbox
from growlearn.registry.registered_model import find_moved_aliases, requeue_lost
from growlearn.settings import Settings

_POLL_INTERVAL_S = 0.5


def sync_mlflow(
    settings: Settings, store: Store, stream: str, on_error: Callable[[str], None], *, wait: bool = True
) -> int:
    """Deliver a stream's pending messages to MLflow; returns how many remain.

    What was registered and is gone there is registered again; an alias that others moved is reported. Only
    the process that holds the outbox lease delivers, so that no message is sent twice. With `wait`, a person
    waits: until another process's lease ends, because that process may have died; and what could not be
    delivered is tried once more, because its reason may be fixed.
    """
    deadline_s = time.monotonic() + (settings.lease_s + _POLL_INTERVAL_S if wait else 0)
    if wait:
        store.requeue_undeliverable(stream)
    _requeue_lost(settings, store, stream, on_error)
    while store.pending_messages(stream, limit=1):
        with _hold_outbox_lease(settings, store, stream) as has_lease:
            if has_lease:
                _deliver_pending(settings, store, stream, on_error)
        if has_lease or time.monotonic() > deadline_s:
            break
        time.sleep(_POLL_INTERVAL_S)
    for message in store.undeliverable_messages(stream):
        on_error(describe_undeliverable(message))
    num_remaining = len(store.pending_messages(stream))
    if num_remaining:
        on_error(f"{num_remaining} messages wait for MLflow; they are kept and sent again with the next run")
        return num_remaining
    for text in list_mlflow_warnings(settings, store, stream):
        on_error(text)
    return 0


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


@contextmanager
def _hold_outbox_lease(settings: Settings, store: Store, stream: str) -> Iterator[bool]:
    """Hold the outbox lease and renew it; yields False where another process holds it."""
    worker, lease_s = settings.worker, settings.lease_s

    def claim() -> bool:
        return store.claim_outbox(stream, worker, system_clock().now(), lease_s)

    if not claim():
        yield False
        return
    try:
        with renew_periodically(claim, lease_s, f"the outbox of stream {stream!r}"):
            yield True
    finally:
        store.release_outbox(stream, worker)


def _deliver_pending(settings: Settings, store: Store, stream: str, on_error: Callable[[str], None]) -> None:
    try:
        outbox.deliver_messages(store, open_tracker(settings), system_clock(), stream)
    except Exception as error:  # MLflow raises many kinds; none may stop the caller
        on_error(redact(f"MLflow at {settings.mlflow_tracking_uri} cannot be reached: {error}"))
