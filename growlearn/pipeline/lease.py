"""Leases kept alive while there is work under them, and work that ends when its lease is lost."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from growlearn.domain.errors import GrowLearnError, LeaseLost
from growlearn.domain.growth import HEARTBEAT, Progress
from growlearn.domain.window import Claim
from growlearn.pipeline.periodic import repeat_in_thread
from growlearn.ports import Clock, ProgressCallback, Store

_log = logging.getLogger(__name__)
_MAX_RENEWAL_INTERVAL_S = 1.0  # so that work on a deleted stream ends at once, however long a lease is


class Lease:
    """A lease as its holder knows it: `renew` asks the store, and a lease that was lost stays lost.

    A process that was paused for longer than its lease first asks the store when it goes on.
    """

    def __init__(self, renew: Callable[[], bool], clock: Clock, lease_s: float, description: str) -> None:
        self._renew = renew
        self._clock = clock
        self._lease_s = lease_s
        self._description = description
        self._asked_at = clock.now()
        self._lost = threading.Event()
        self._unrecorded: deque[Progress] = deque(maxlen=1)

    def renew(self) -> bool:
        """Extend the lease; False where it is lost. Raises what the store raises."""
        self._asked_at = self._clock.now()
        if self._lost.is_set() or not self._renew():
            self._lost.set()
        return not self._lost.is_set()

    def require(self) -> None:
        """Raise LeaseLost where the lease is lost."""
        if (self._clock.now() - self._asked_at).total_seconds() > self._lease_s:
            with suppress(GrowLearnError):  # while the database is away, nobody else can take the lease
                self.renew()
        if self._lost.is_set():
            raise LeaseLost(f"{self._description} is no longer this worker's: taken over, or deleted")

    def guard(self, on_progress: ProgressCallback) -> ProgressCallback:
        """A callback that raises LeaseLost once the lease is lost: work ends where it reports progress."""

        def check_and_forward(progress: Progress) -> None:
            self.require()
            if progress != HEARTBEAT:
                self._unrecorded.append(progress)
            on_progress(progress)

        return check_and_forward

    def take_progress(self) -> Progress | None:
        """The newest progress that a guarded callback has heard of; None where it was taken already."""
        return self._unrecorded.pop() if self._unrecorded else None


@contextmanager
def hold_lease(store: Store, claim: Claim, clock: Clock, lease_s: float) -> Iterator[Lease]:
    """Keep the lease of a claim, and give it up at the end, whatever the end; progress is recorded with it.

    A lease that was lost is not fought for: `Lease.guard` ends the work, and the store refuses its writes.
    """

    def renew() -> bool:
        return store.renew(claim, clock.now(), lease_s, lease.take_progress())

    description = f"window {claim.window} of stream {claim.stream!r}"
    lease = Lease(renew, clock, lease_s, description)
    try:
        with renew_periodically(lease.renew, lease_s, description):
            yield lease
    finally:
        store.release(claim)


@contextmanager
def renew_periodically(renew: Callable[[], bool], lease_s: float, description: str) -> Iterator[None]:
    """Call `renew` each second, and three times a lease, in a thread, until the block ends or it is False.

    A block that goes on without its lease is warned of; one that ends with its work ends its lease first.
    """
    is_away = is_lost = False

    def renew_and_log() -> bool:
        nonlocal is_away, is_lost
        if is_lost:
            _log.warning("%s is no longer this worker's", description)
            return False
        try:
            is_lost = not renew()
            is_away = False
        except Exception as error:  # a database that is away for a moment must not end the work
            if not is_away:
                reason = (str(error) or type(error).__name__).partition("\n")[0]
                _log.warning("the lease of %s could not be renewed: %s", description, reason)
            is_away = True
        return True

    interval_s = min(lease_s / 3, _MAX_RENEWAL_INTERVAL_S)
    with repeat_in_thread(renew_and_log, interval_s, f"lease of {description}"):
        yield
