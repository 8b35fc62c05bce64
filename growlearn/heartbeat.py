"""A lease kept alive while a window is worked on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from growlearn.domain.window import Window
from growlearn.ports import Clock, Store

_log = logging.getLogger(__name__)


@contextmanager
def heartbeat(store: Store, window: Window, worker: str, clock: Clock, lease_s: float) -> Iterator[None]:
    """Renew the window's lease three times a lease, and give it up at the end, whatever the end.

    A lease that was lost is not fought for: the next move of the window fails with LostRace.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(lease_s / 3):
            try:
                if not store.renew(window.stream, window.id, worker, clock.now(), lease_s):
                    _log.warning("window %s of %r now belongs to another worker", window.id, window.stream)
                    return
            except Exception:  # a database that is away for a moment must not end the work
                _log.warning("the lease of window %s could not be renewed", window.id, exc_info=True)

    thread = threading.Thread(target=beat, name=f"heartbeat-{window.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        store.release(window.stream, window.id, worker)
