"""Leases kept alive while there is work under them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from growlearn.domain.window import Window
from growlearn.ports import Clock, Store

_log = logging.getLogger(__name__)


@contextmanager
def hold_lease(store: Store, window: Window, worker: str, clock: Clock, lease_s: float) -> Iterator[None]:
    """Keep a window's lease, and give it up at the end, whatever the end.

    A lease that was lost is not fought for: the next move of the window fails with LostRace.
    """

    def renew() -> bool:
        return store.renew(window.stream, window.id, worker, clock.now(), lease_s)

    try:
        with renew_periodically(renew, lease_s, f"window {window.id} of stream {window.stream!r}"):
            yield
    finally:
        store.release(window.stream, window.id, worker)


@contextmanager
def renew_periodically(renew: Callable[[], bool], lease_s: float, description: str) -> Iterator[None]:
    """Call `renew` three times a lease, in a thread, until the block ends or the lease is lost."""
    done = threading.Event()

    def renew_until_done() -> None:
        while not done.wait(lease_s / 3):
            try:
                if not renew():
                    _log.warning("%s now belongs to another worker", description)
                    return
            except Exception as error:  # a database that is away for a moment must not end the work
                reason = (str(error) or type(error).__name__).partition("\n")[0]
                _log.warning("the lease of %s could not be renewed: %s", description, reason)

    thread = threading.Thread(target=renew_until_done, name=f"lease of {description}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
