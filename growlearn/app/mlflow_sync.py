"""Delivers pending messages to MLflow; a failure there loses nothing, the messages are sent again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from growlearn.adapters.mlflow.address import redact_message
from growlearn.app.composition import open_tracker, system_clock
from growlearn.pipeline.lease import renew_periodically
from growlearn.ports import Store
from growlearn.registry import outbox
from growlearn.settings import Settings

_POLL_INTERVAL_S = 0.5


def sync_mlflow(
    settings: Settings, store: Store, stream: str, on_error: Callable[[str], None], *, wait: bool = True
) -> int:
    """Deliver a stream's pending messages to MLflow; returns how many remain.

    Only the process that holds the outbox lease delivers, so that no message is sent twice. With `wait`,
    this one waits until another process's lease ends, because that process may have died.
    """
    deadline_s = time.monotonic() + (settings.lease_s + _POLL_INTERVAL_S if wait else 0)
    while store.pending_messages(stream, limit=1):
        with _hold_outbox_lease(settings, store, stream) as has_lease:
            if has_lease:
                _deliver_pending(settings, store, stream, on_error)
        if has_lease or time.monotonic() > deadline_s:
            break
        time.sleep(_POLL_INTERVAL_S)
    num_remaining = len(store.pending_messages(stream))
    if num_remaining:
        on_error(f"{num_remaining} messages wait for MLflow; they are kept and sent again with the next run")
    return num_remaining


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
        uri = settings.mlflow_tracking_uri
        on_error(redact_message(f"MLflow at {uri} cannot be reached: {error}", uri))
