"""The Store port in memory: the same answers and errors as a database, gone with the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from growlearn import __version__
from growlearn.adapters.memory.kept import (
    Kept,
    Lease,
    add,
    check_open,
    is_taken_in,
    join,
    move,
    moved,
    note_job,
    recorded,
    require_base,
)
from growlearn.adapters.memory.queue import Queue
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import GrowLearnError, LostRace, UnknownName
from growlearn.domain.job import Job
from growlearn.domain.labels import EarlyLabels, LabelJoin
from growlearn.domain.ledger import Entry, entry_of_moves, entry_of_step
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.stream import (
    AliasMove,
    Message,
    PendingMessage,
    Receipt,
    Stream,
    Transition,
    WindowRecord,
)
from growlearn.domain.window import (
    PENDING,
    BadRow,
    IngestedFile,
    SeenFile,
    Window,
    WindowState,
    check_transition,
    turn,
)


class MemoryStore:
    """The record in memory; may be shared by threads. See ports.Store for each method."""

    def __init__(self, *begun: Kept) -> None:
        """Streams that have a past already may be given."""
        self._lock = RLock()
        self._kept = {kept.stream.name: kept for kept in begun}
        self._outbox = Queue()

    def close(self) -> None:
        """Nothing to close; a database has."""

    def _one(self, stream: str) -> Kept:
        with self._lock:
            if stream not in self._kept:
                known = ", ".join(sorted(self._kept)) or "none"
                raise UnknownName(f"there is no stream {stream!r}", cure=f"known streams: {known}")
            return self._kept[stream]

    @contextmanager
    def _changing(self, stream: str) -> Iterator[Kept]:
        """A draft of a stream, kept at the end unless something is raised."""
        with self._lock:
            draft = self._one(stream).copy()
            yield draft
            self._kept[stream] = draft

    # Streams ------------------------------------------------------------------------------------

    def apply(self, job: Job, at: datetime, actor: str = "growlearn") -> Stream:
        """Create the stream of this job, or give an existing one the new job."""
        with self._lock:
            _require_zone(at)
            kept = self._kept.get(job.name)
            if kept is None:
                kept = self._kept[job.name] = Kept(Stream(job=job, created_at=at, updated_at=at))
            else:
                kept.stream = replace(kept.stream, job=job, updated_at=at)
            note_job(kept, at, actor)
            return kept.stream

    def stream(self, name: str) -> Stream:
        """One stream; raises UnknownName."""
        return self._one(name).stream

    def streams(self) -> Sequence[Stream]:
        """All streams by name."""
        with self._lock:
            return tuple(self._kept[name].stream for name in sorted(self._kept))

    def delete(self, name: str) -> None:
        """Forget a stream and all its rows; raises UnknownName."""
        with self._lock:
            self._one(name)
            del self._kept[name]
            self._outbox.forget(name)

    # Ingest -------------------------------------------------------------------------------------

    def seen(self, stream: str) -> Sequence[SeenFile]:
        """Every file taken in so far, in that order."""
        with self._lock:
            return tuple(self._kept[stream].files) if stream in self._kept else ()

    def record_ingest(self, ingested: IngestedFile) -> bool:
        """Write what one file became; False if it was taken in before."""
        with self._changing(ingested.stream) as kept:
            _require_zone(ingested.at)
            if is_taken_in(kept, ingested):
                return False
            kept.files.append(ingested.seen)
            if ingested.joining is not None:
                join(kept, ingested.joining, ingested.file.url, ingested.at)
            for window in ingested.windows:
                check_open(kept.windows.get(window.id), window, ingested.filled)
                kept.windows[window.id] = window
            for bad in ingested.bad_rows:
                if bad.window is not None:
                    kept.bad_rows[bad.window] = (*kept.bad_rows.get(bad.window, ()), bad)
            return True

    def early_labels(self, stream: str) -> Sequence[EarlyLabels]:
        """Labels whose rows have not come yet, in the order their files came."""
        with self._lock:
            return tuple(self._kept[stream].early) if stream in self._kept else ()

    def label_joins(self, stream: str) -> Sequence[LabelJoin]:
        """Every joining of labels to a window that was taken in before them, oldest first."""
        with self._lock:
            return tuple(self._kept[stream].joins) if stream in self._kept else ()

    def windows(self, stream: str) -> Sequence[Window]:
        """All windows of a stream by number."""
        with self._lock:
            found = self._kept[stream].windows.values() if stream in self._kept else ()
            return tuple(sorted(found, key=lambda window: window.number))

    def window(self, stream: str, window: str) -> Window:
        """One window by its id; raises UnknownName."""
        with self._lock:
            found = self._kept[stream].windows.get(window) if stream in self._kept else None
            if found is None:
                count = len(self.windows(stream))
                known = f"it has w1 to w{count}" if count else "it has none yet"
                raise UnknownName(f"stream {stream!r} has no window {window!r}", cure=known)
            return found

    def bad_rows(self, stream: str, window: str) -> Sequence[BadRow]:
        """Rows kept out of a window, in order; raises UnknownName."""
        with self._lock:
            self.window(stream, window)
            return self._kept[stream].bad_rows.get(window, ())

    # Work ---------------------------------------------------------------------------------------

    def open_window(self, window: Window, plan: ConsolidationPlan) -> bool:
        """Add a window that no file brought, with its plan; False where its number is taken by now."""
        with self._changing(window.stream) as kept:
            _require_zone(window.discovered_at)
            if window.id in kept.windows:
                return False
            kept.windows[window.id] = window
            kept.records[window.id] = WindowRecord(plan=plan)
            return True

    def claim(self, stream: str, worker: str, now: datetime, lease_s: float) -> Window | None:
        """Lease the pending window of a stream that is next."""
        with self._lock:
            _require_zone(now)
            pending = sorted((each for each in self.windows(stream) if each.state in PENDING), key=turn)
            if not pending:
                return None
            leases = self._kept[stream].leases
            if any(lease.owner != worker and lease.until > now for lease in leases.values()):
                return None
            leases[pending[0].id] = Lease(worker, now + timedelta(seconds=lease_s))
            return pending[0]

    def wake(self, stream: str, window: str, at: datetime) -> bool:
        """Send a window that waits back to be judged anew; False where it does not wait any more."""
        with self._lock:
            _require_zone(at)
            old = self._kept[stream].windows.get(window) if stream in self._kept else None
            if old is None or old.state is not WindowState.WAITING:
                return False
            self._kept[stream].windows[window] = replace(old, state=WindowState.ACCEPTED, updated_at=at)
            return True

    def is_led(self, stream: str, now: datetime) -> bool:
        """Whether some worker's lease on a window of the stream runs now."""
        with self._lock:
            _require_zone(now)
            leases = self._kept[stream].leases.values() if stream in self._kept else ()
            return any(lease.until > now for lease in leases)

    def renew(self, stream: str, window: str, worker: str, now: datetime, lease_s: float) -> bool:
        """Heartbeat: lengthen the lease; False where it is not this worker's."""
        with self._lock:
            _require_zone(now)
            if self._owner(stream, window) != worker:
                return False
            self._kept[stream].leases[window] = Lease(worker, now + timedelta(seconds=lease_s))
            return True

    def release(self, stream: str, window: str, worker: str) -> None:
        """Give the lease up at once; harmless where it is not held."""
        with self._lock:
            if self._owner(stream, window) == worker:
                del self._kept[stream].leases[window]

    def _owner(self, stream: str, window: str) -> str | None:
        lease = self._kept[stream].leases.get(window) if stream in self._kept else None
        return None if lease is None else lease.owner

    def count_pending(self, stream: str) -> int:
        """How many windows of a stream a worker has something to do for."""
        return sum(window.state in PENDING for window in self.windows(stream))

    def failed(self, stream: str, window: str, worker: str, reason: str, at: datetime) -> int:
        """Count a failure of a window this worker leads; raises LostRace where it does not."""
        with self._lock:
            _require_zone(at)
            if self._owner(stream, window) != worker:
                raise LostRace(f"window {window} of stream {stream!r} is not leased to {worker!r} any more")
            with self._changing(stream) as kept:
                kept.failures[window] = kept.failures.get(window, 0) + 1
                kept.windows[window] = replace(kept.windows[window], reason=reason, updated_at=at)
                return kept.failures[window]

    def advance(self, transition: Transition) -> Window:
        """Make one legal move with all its records; raises IllegalTransition or LostRace."""
        check_transition(transition.source, transition.target)
        with self._lock:
            _require_zone(transition.at)
            self._require_lead(transition)
            with self._changing(transition.stream) as kept:
                window = moved(kept.windows[transition.window], transition)
                kept.windows[window.id] = window
                kept.records[window.id] = recorded(kept.records.get(window.id, WindowRecord()), transition)
                if window.state not in PENDING:
                    del kept.leases[window.id]
                add(kept, transition)
                if transition.base is not None:
                    require_base(kept, transition.base_before)
                move(kept, transition.alias_moves, transition.base)
                job = kept.stream.job
                kept.ledger.append(entry_of_step(transition, job, __version__))
            for message in transition.messages:
                self._outbox.send(message)
            return window

    def _require_lead(self, transition: Transition) -> None:
        wanted = f"{transition.source} and leased to {transition.worker!r}"
        try:
            found = self.window(transition.stream, transition.window)
        except UnknownName:
            raise LostRace(
                f"window {transition.window} of stream {transition.stream!r} is gone; it was to be {wanted}"
            ) from None
        owner = self._owner(transition.stream, transition.window)
        if found.state is not transition.source or owner != transition.worker:
            stands = f"{found.state} and {'not leased' if owner is None else f'leased to {owner!r}'}"
            raise LostRace(f"window {found.id} of stream {found.stream!r} is {stands}; it was to be {wanted}")

    def record(self, stream: str, window: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window; raises UnknownName."""
        with self._lock:
            self.window(stream, window)
            return self._kept[stream].records.get(window, WindowRecord())

    # Model --------------------------------------------------------------------------------------

    def branches(self, stream: str) -> Sequence[Branch]:
        """All branches ever grown, in the order they were grown."""
        with self._lock:
            return tuple(self._kept[stream].branches) if stream in self._kept else ()

    def tasks(self, stream: str) -> Sequence[Task]:
        """All tasks ever opened, in the order they were opened."""
        with self._lock:
            return tuple(self._kept[stream].tasks) if stream in self._kept else ()

    def versions(self, stream: str) -> Sequence[Version]:
        """All versions by number."""
        with self._lock:
            found = self._kept[stream].versions if stream in self._kept else ()
            return tuple(sorted(found, key=lambda version: version.number))

    def move_aliases(
        self,
        stream: str,
        moves: Sequence[AliasMove],
        base: int | None,
        message: Message,
        *,
        base_before: int | None = None,
    ) -> None:
        """Move aliases, and the base unless it is None; raises LostRace or UnknownName."""
        with self._lock:
            with self._changing(stream) as kept:
                if base is not None and base_before is not None:
                    require_base(kept, base_before)
                move(kept, moves, base)
                if moves:
                    kept.ledger.append(entry_of_moves(tuple(moves), kept.stream.job, __version__))
            self._outbox.send(message)

    def alias_moves(self, stream: str) -> Sequence[AliasMove]:
        """Every alias move of a stream, oldest first."""
        with self._lock:
            return tuple(self._kept[stream].moves) if stream in self._kept else ()

    def ledger(self, stream: str) -> Sequence[Entry]:
        """Every decision of a stream, oldest first."""
        with self._lock:
            return tuple(self._kept[stream].ledger) if stream in self._kept else ()

    # Outbox and ticks ---------------------------------------------------------------------------

    def pending_messages(self, stream: str | None = None, limit: int = 100) -> Sequence[PendingMessage]:
        """Undelivered messages, oldest first."""
        with self._lock:
            return self._outbox.pending(stream, limit)

    def claim_outbox(self, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
        """True for the one worker that may tell the tracker of a stream."""
        with self._lock:
            _require_zone(now)
            leases = self._kept[stream].outbox_lease if stream in self._kept else None
            if leases is None or any(lease.owner != worker and lease.until > now for lease in leases):
                return False
            leases[:] = [Lease(worker, now + timedelta(seconds=lease_s))]
            return True

    def release_outbox(self, stream: str, worker: str) -> None:
        """Give that lease up at once."""
        with self._lock:
            leases = self._kept[stream].outbox_lease if stream in self._kept else []
            leases[:] = [lease for lease in leases if lease.owner != worker]

    def delivered(self, message_id: int, receipt: Receipt, at: datetime) -> None:
        """Mark a message delivered, once; the receipt is kept on the version its window made."""
        with self._lock:
            _require_zone(at)
            message = self._outbox.delivered(message_id)
            if message is None:
                return
            kept = self._kept[message.stream]
            kept.versions = [
                _named(version, receipt) if version.window == message.window else version
                for version in kept.versions
            ]

    def undelivered(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt and keep its reason."""
        with self._lock:
            _require_zone(at)
            self._outbox.undelivered(message_id, reason)

    def claim_tick(self, stream: str, due_at: datetime, scheduler: str) -> bool:  # noqa: ARG002 - the port's
        """True for the one scheduler that may dispatch this tick."""
        with self._lock:
            _require_zone(due_at)
            if stream not in self._kept or due_at in self._kept[stream].ticks:
                return False
            self._kept[stream].ticks.append(due_at)
            return True

    def last_tick(self, stream: str) -> datetime | None:
        """When the latest claimed tick was due."""
        with self._lock:
            return max(self._kept[stream].ticks, default=None) if stream in self._kept else None


def _require_zone(at: datetime) -> None:
    if at.utcoffset() is None:
        raise GrowLearnError(f"time {at.isoformat()} has no zone", cure="use aware UTC times")


def _named(version: Version, receipt: Receipt) -> Version:
    return replace(
        version,
        mlflow_run=receipt.run_id or version.mlflow_run,
        mlflow_version=receipt.model_version or version.mlflow_version,
    )
