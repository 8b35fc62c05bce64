"""Queues everything that the tracker should know of a stream, for a tracker that lost it or is new."""

from __future__ import annotations

from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import TRANSITIONS, Window, WindowState
from growlearn.ports import Store


def queue_rebuild(store: Store, stream: str) -> int:
    """Queue a message for each window that has ended, in the order of their ends, and one for the aliases.

    Delivery is idempotent, so what the tracker has already stays as it is. A window whose message waits
    already gets no second one. Returns the number of windows.
    """
    store.outbox.requeue_undeliverable(stream)
    limit = 1 + len(store.windows(stream)) * 3  # a window has two messages, and people add some
    waiting = {pending.message.window for pending in store.outbox.pending(stream, limit)}
    windows = sorted(
        filter(_has_ended, store.windows(stream)), key=lambda item: (item.updated_at, item.number)
    )
    cycles = [
        Message(stream=stream, kind=MessageKind.CYCLE, window=window.id)
        for window in windows
        if window.id not in waiting
    ]
    if windows:
        store.outbox.enqueue([*cycles, Message(stream=stream, kind=MessageKind.ALIASES)])
    return len(windows)


def _has_ended(window: Window) -> bool:
    return window.state is not WindowState.QUARANTINED and not TRANSITIONS[window.state]
