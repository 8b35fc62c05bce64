"""Keeping the MLflow mirror up: whatever is wrong with it, the record stands and is told again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from growlearn.adapters.mlflow.address import without_password
from growlearn.app.composition import clock, open_tracker
from growlearn.heartbeat import renewing
from growlearn.ports import Store
from growlearn.registry import outbox
from growlearn.settings import Settings

_LOOK_AGAIN_S = 0.5


def deliver(
    settings: Settings, store: Store, stream: str, complain: Callable[[str], None], *, patient: bool = True
) -> int:
    """Tell MLflow what is pending of a stream; returns how many messages remain.

    One process tells at a time, so that nothing is told twice. A patient one waits for the other's
    lease to end, for that one may have died.
    """
    until_s = time.monotonic() + (settings.lease_s + _LOOK_AGAIN_S if patient else 0)
    while store.pending_messages(stream, limit=1):
        with _alone(settings, store, stream) as alone:
            if alone:
                _deliver(settings, store, stream, complain)
        if alone or time.monotonic() > until_s:
            break
        time.sleep(_LOOK_AGAIN_S)
    left = len(store.pending_messages(stream))
    if left:
        complain(f"{left} messages wait for MLflow; they are kept and sent again with the next run")
    return left


@contextmanager
def _alone(settings: Settings, store: Store, stream: str) -> Iterator[bool]:
    """The outbox's lease, kept alive; False where another process holds it."""
    worker, lease_s = settings.worker, settings.lease_s

    def claim() -> bool:
        return store.claim_outbox(stream, worker, clock().now(), lease_s)

    if not claim():
        yield False
        return
    try:
        with renewing(claim, lease_s, f"the outbox of stream {stream!r}"):
            yield True
    finally:
        store.release_outbox(stream, worker)


def _deliver(settings: Settings, store: Store, stream: str, complain: Callable[[str], None]) -> None:
    try:
        outbox.deliver(store, open_tracker(settings), clock(), stream)
    except Exception as error:  # MLflow raises many kinds, and none may cost the record anything
        uri = settings.mlflow_tracking_uri
        complain(without_password(f"MLflow at {uri} cannot be reached: {error}", uri))
