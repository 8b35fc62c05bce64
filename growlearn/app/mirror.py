"""Keeping the MLflow mirror up: whatever is wrong with it, the record stands and is told again."""

from __future__ import annotations

from collections.abc import Callable

from growlearn.app.composition import clock, open_tracker
from growlearn.ports import Store
from growlearn.registry import outbox
from growlearn.settings import Settings


def deliver(settings: Settings, store: Store, stream: str | None, complain: Callable[[str], None]) -> int:
    """Tell MLflow what is pending, of one stream or of all; returns how many messages remain."""
    if not store.pending_messages(stream, limit=1):
        return 0
    try:
        outbox.deliver(store, open_tracker(settings), clock(), stream)
    except Exception as error:  # MLflow raises many kinds, and none may cost the record anything
        complain(f"MLflow at {settings.mlflow_tracking_uri} cannot be reached: {error}")
    left = len(store.pending_messages(stream))
    if left:
        complain(f"{left} messages wait for MLflow; they are kept and sent again with the next run")
    return left
