"""The Store port over a database: every method one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from growlearn.adapters.db import intake, labels, ledger, model, outbox, record, streams, work
from growlearn.adapters.db.engine import connect, reading, writing
from growlearn.adapters.db.mapping import lock_known
from growlearn.adapters.db.revision import require_head
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.job import Job
from growlearn.domain.labels import EarlyLabels, LabelJoin
from growlearn.domain.ledger import Entry
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
from growlearn.domain.window import BadRow, IngestedFile, SeenFile, Window


def open_store(url: str) -> DbStore:
    """The record at a URL; raises GrowLearnError where its tables are not those this growlearn knows.

    sqlite:///path/to/file.db, or postgresql://user:password@host/database. Close it when done.
    """
    require_head(url)
    return DbStore(connect(url))


class DbStore:
    """The record in SQLite or PostgreSQL; may be shared by threads. See ports.Store for each method.

    Listings of a stream that is not there are empty; only what names one thing raises UnknownName.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Streams ------------------------------------------------------------------------------------

    def apply(self, job: Job, at: datetime, actor: str = "growlearn") -> Stream:
        """Create the stream of this job, or give an existing one the new job."""
        with writing(self._engine) as connection:
            stream = streams.apply(connection, job, at)
            ledger.write_job(connection, job, at, actor)
            return stream

    def stream(self, name: str) -> Stream:
        """One stream; raises UnknownName."""
        with reading(self._engine) as connection:
            return streams.one(connection, name)

    def streams(self) -> Sequence[Stream]:
        """All streams by name."""
        with reading(self._engine) as connection:
            return streams.every(connection)

    def delete(self, name: str) -> None:
        """Forget a stream and all its rows; raises UnknownName."""
        with writing(self._engine) as connection:
            streams.forget(connection, name)

    # Ingest -------------------------------------------------------------------------------------

    def seen(self, stream: str) -> Sequence[SeenFile]:
        """Every file taken in so far, in that order."""
        with reading(self._engine) as connection:
            return streams.seen(connection, stream)

    def record_ingest(self, ingested: IngestedFile) -> bool:
        """Write what one file became; False if it was taken in before."""
        with writing(self._engine) as connection:
            return intake.record_ingest(connection, ingested)

    def early_labels(self, stream: str) -> Sequence[EarlyLabels]:
        """Labels whose rows have not come yet, in the order their files came."""
        with reading(self._engine) as connection:
            return labels.early(connection, stream)

    def label_joins(self, stream: str) -> Sequence[LabelJoin]:
        """Every joining of labels to a window that was taken in before them, oldest first."""
        with reading(self._engine) as connection:
            return labels.joins(connection, stream)

    def windows(self, stream: str) -> Sequence[Window]:
        """All windows of a stream by number."""
        with reading(self._engine) as connection:
            return intake.every(connection, stream)

    def window(self, stream: str, window: str) -> Window:
        """One window by its id; raises UnknownName."""
        with reading(self._engine) as connection:
            return intake.one(connection, stream, window)

    def bad_rows(self, stream: str, window: str) -> Sequence[BadRow]:
        """Rows kept out of a window, in order; raises UnknownName."""
        with reading(self._engine) as connection:
            return intake.bad_rows(connection, stream, window)

    # Work ---------------------------------------------------------------------------------------

    def open_window(self, window: Window, plan: ConsolidationPlan) -> bool:
        """Add a window that no file brought, with its plan; False where its number is taken by now."""
        with writing(self._engine) as connection:
            return work.open_window(connection, window, plan)

    def claim(self, stream: str, worker: str, now: datetime, lease_s: float) -> Window | None:
        """Lease the pending window of a stream that is next."""
        with writing(self._engine) as connection:
            return work.claim(connection, stream, worker, now, lease_s)

    def wake(self, stream: str, window: str, at: datetime) -> bool:
        """Send a window that waits back to be judged anew; False where it does not wait any more."""
        with writing(self._engine) as connection:
            return work.wake(connection, stream, window, at)

    def is_led(self, stream: str, now: datetime) -> bool:
        """Whether some worker's lease on a window of the stream runs now."""
        with reading(self._engine) as connection:
            return work.is_led(connection, stream, now)

    def renew(self, stream: str, window: str, worker: str, now: datetime, lease_s: float) -> bool:
        """Heartbeat: lengthen the lease; False where it is not this worker's."""
        with writing(self._engine) as connection:
            return work.renew(connection, stream, window, worker, now, lease_s)

    def release(self, stream: str, window: str, worker: str) -> None:
        """Give the lease up at once; harmless where it is not held."""
        with writing(self._engine) as connection:
            work.release(connection, stream, window, worker)

    def count_pending(self, stream: str) -> int:
        """How many windows of a stream a worker has something to do for."""
        with reading(self._engine) as connection:
            return work.count_pending(connection, stream)

    def failed(self, stream: str, window: str, worker: str, reason: str, at: datetime) -> int:
        """Count a failure of a window this worker leads; raises LostRace where it does not."""
        with writing(self._engine) as connection:
            return work.failed(connection, stream, window, worker, reason, at)

    def advance(self, transition: Transition) -> Window:
        """Make one legal move with all its records; raises IllegalTransition or LostRace."""
        with writing(self._engine) as connection:
            return work.advance(connection, transition)

    def record(self, stream: str, window: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window; raises UnknownName."""
        with reading(self._engine) as connection:
            return record.of_window(connection, stream, window)

    # Model --------------------------------------------------------------------------------------

    def branches(self, stream: str) -> Sequence[Branch]:
        """All branches ever grown, in the order they were grown."""
        with reading(self._engine) as connection:
            return model.branches(connection, stream)

    def tasks(self, stream: str) -> Sequence[Task]:
        """All tasks ever opened, in the order they were opened."""
        with reading(self._engine) as connection:
            return model.tasks(connection, stream)

    def versions(self, stream: str) -> Sequence[Version]:
        """All versions by number."""
        with reading(self._engine) as connection:
            return model.versions(connection, stream)

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
        with writing(self._engine) as connection:
            lock_known(connection, stream)
            if base is not None and base_before is not None:
                model.require_base(connection, stream, base_before)
            model.move(connection, stream, moves, base)
            ledger.write_moves(connection, stream, moves)
            outbox.send(connection, message)

    def alias_moves(self, stream: str) -> Sequence[AliasMove]:
        """Every alias move of a stream, oldest first."""
        with reading(self._engine) as connection:
            return model.alias_moves(connection, stream)

    def ledger(self, stream: str) -> Sequence[Entry]:
        """Every decision of a stream, oldest first."""
        with reading(self._engine) as connection:
            return ledger.of_stream(connection, stream)

    # Outbox and ticks ---------------------------------------------------------------------------

    def pending_messages(self, stream: str | None = None, limit: int = 100) -> Sequence[PendingMessage]:
        """Undelivered messages, oldest first."""
        with reading(self._engine) as connection:
            return outbox.pending(connection, stream, limit)

    def claim_outbox(self, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
        """True for the one worker that may tell the tracker of a stream."""
        with writing(self._engine) as connection:
            return outbox.claim(connection, stream, worker, now, lease_s)

    def release_outbox(self, stream: str, worker: str) -> None:
        """Give that lease up at once."""
        with writing(self._engine) as connection:
            outbox.release(connection, stream, worker)

    def delivered(self, message_id: int, receipt: Receipt, at: datetime) -> None:
        """Mark a message delivered, once; the receipt is kept on the version its window made."""
        with writing(self._engine) as connection:
            outbox.delivered(connection, message_id, receipt, at)

    def undelivered(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt and keep its reason."""
        with writing(self._engine) as connection:
            outbox.undelivered(connection, message_id, reason, at)

    def claim_tick(self, stream: str, due_at: datetime, scheduler: str) -> bool:
        """True for the one scheduler that may dispatch this tick."""
        with writing(self._engine) as connection:
            return streams.claim_tick(connection, stream, due_at, scheduler)

    def last_tick(self, stream: str) -> datetime | None:
        """When the latest claimed tick was due."""
        with reading(self._engine) as connection:
            return streams.last_tick(connection, stream)
