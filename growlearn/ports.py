"""What a cycle needs from outside. Each port has an in-memory twin in `adapters/memory`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.evaluation import AccuracyMatrix, Cell
from growlearn.domain.growth import GrowthPlan, GrowthResult, Progress
from growlearn.domain.job import Job, SourceSpec
from growlearn.domain.labels import EarlyLabels, LabelJoin
from growlearn.domain.ledger import Chapter, Entry
from growlearn.domain.lineage import Branch, Manifest, Task, Version
from growlearn.domain.stream import (
    Alias,
    AliasMove,
    Message,
    PendingMessage,
    Receipt,
    Stream,
    Transition,
    WindowRecord,
)
from growlearn.domain.window import BadRow, IngestedFile, SeenFile, SourceFile, Window

Report = Callable[[Progress], None]
"""Where long work tells how far it is."""


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Now, as an aware UTC datetime."""
        ...


class Source(Protocol):
    """Where new data arrives."""

    def files(self) -> Sequence[SourceFile]:
        """The files ready to be read, in a fixed order; those still being written are left out."""
        ...

    def read(self, file: SourceFile) -> Mapping[str, bytes]:
        """Content by relative path: one entry for a file, one an image for a folder of class folders.

        Raises UnreadableFile where the file has vanished or may not be opened, NotReadable where it
        changed since it was listed or its disk is away: it is then left for the next tick.
        """
        ...


class Artifacts(Protocol):
    """Immutable bytes under their own sha256."""

    def put(self, content: bytes) -> str:
        """Store bytes, durably and all at once; returns the sha256 in hex. Storing twice is harmless.

        Raises Unavailable where nothing can be written just now.
        """
        ...

    def get(self, sha256: str) -> bytes:
        """The bytes, checked against their hash.

        Raises DamagedArtifact where they are missing or changed, Unavailable where nothing answers.
        """
        ...


class Store(Protocol):
    """The record: the database is the truth. Every method is one transaction."""

    # Streams ------------------------------------------------------------------------------------

    def apply(self, job: Job, at: datetime, actor: str = "growlearn") -> Stream:
        """Create the stream of this job, or give an existing one the new job; the ledger says who did."""
        ...

    def stream(self, name: str) -> Stream:
        """One stream; raises UnknownName listing those there are."""
        ...

    def streams(self) -> Sequence[Stream]:
        """All streams by name."""
        ...

    def delete(self, name: str) -> None:
        """Forget a stream and all its rows; raises UnknownName."""
        ...

    # Ingest -------------------------------------------------------------------------------------

    def seen(self, stream: str) -> Sequence[SeenFile]:
        """Every file taken in so far, in that order; a url stands more than once if it changed."""
        ...

    def record_ingest(self, ingested: IngestedFile) -> bool:
        """Write what one file became; False, and nothing written, if it was taken in before.

        Taken in before is a file whose latest reading has the same fingerprint and schema.

        A window whose number exists (the open one of a row-count stream) is updated, others are
        added. Labels joined by key give a window, in whatever state, its new snapshot. Raises LostRace,
        and writes nothing, where another process wrote to these windows or to the early labels meanwhile.
        """
        ...

    def early_labels(self, stream: str) -> Sequence[EarlyLabels]:
        """Labels whose rows have not come yet, in the order their files came."""
        ...

    def label_joins(self, stream: str) -> Sequence[LabelJoin]:
        """Every joining of labels to a window that was taken in before them, oldest first."""
        ...

    def windows(self, stream: str) -> Sequence[Window]:
        """All windows of a stream by number."""
        ...

    def window(self, stream: str, window: str) -> Window:
        """One window by its id (w3); raises UnknownName."""
        ...

    def bad_rows(self, stream: str, window: str) -> Sequence[BadRow]:
        """Rows kept out of a window, in order."""
        ...

    # Work ---------------------------------------------------------------------------------------

    def count_pending(self, stream: str) -> int:
        """How many windows of a stream a worker has something to do for."""
        ...

    def open_window(self, window: Window, plan: ConsolidationPlan) -> bool:
        """Add a window that no file brought, with its plan; False where its number is taken by now.

        Raises UnknownName for the stream.
        """
        ...

    def claim(self, stream: str, worker: str, now: datetime, lease_s: float) -> Window | None:
        """Lease the oldest pending window of a stream; one with the verdict `full` goes before all others.

        None where nothing is pending, or another worker's lease on any window of the stream has
        not run out: windows of one stream run in order, one at a time.
        """
        ...

    def wake(self, stream: str, window: str, at: datetime) -> bool:
        """Send a window that waits back to be judged anew; False where it does not wait any more."""
        ...

    def is_led(self, stream: str, now: datetime) -> bool:
        """Whether some worker's lease on a window of the stream runs now."""
        ...

    def renew(self, stream: str, window: str, worker: str, now: datetime, lease_s: float) -> bool:
        """Heartbeat: lengthen the lease; False where it now belongs to another worker."""
        ...

    def release(self, stream: str, window: str, worker: str) -> None:
        """Give the lease up at once; harmless where it is not held."""
        ...

    def failed(self, stream: str, window: str, worker: str, reason: str, at: datetime) -> int:
        """Count a failure of a window this worker leads, and keep its reason; returns how many so far.

        Raises LostRace where another worker leads it.
        """
        ...

    def advance(self, transition: Transition) -> Window:
        """Make one legal move with all its records.

        Raises IllegalTransition for a move not in the table, LostRace where the window is no longer in
        `source` or leased to `worker`, or the base not at `base_before`; then nothing is written.
        """
        ...

    def record(self, stream: str, window: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window; raises UnknownName."""
        ...

    # Model --------------------------------------------------------------------------------------

    def branches(self, stream: str) -> Sequence[Branch]:
        """All branches ever grown, rejected ones too, in the order they were grown."""
        ...

    def tasks(self, stream: str) -> Sequence[Task]:
        """All tasks ever opened, in the order they were opened."""
        ...

    def versions(self, stream: str) -> Sequence[Version]:
        """All versions by number."""
        ...

    def move_aliases(
        self,
        stream: str,
        moves: Sequence[AliasMove],
        base: int | None,
        message: Message,
        *,
        base_before: int | None = None,
    ) -> None:
        """Move aliases and the base (promotion, rollback) and tell the tracker.

        Raises LostRace where an alias no longer stands at its move's `before`, or the base, where it is
        moved, not at `base_before` (None: wherever it stands); then nothing is written.
        """
        ...

    def alias_moves(self, stream: str) -> Sequence[AliasMove]:
        """Every alias move of a stream, oldest first."""
        ...

    def ledger(self, stream: str) -> Sequence[Entry]:
        """Every decision of a stream, oldest first: jobs given, moves of windows, aliases moved by people.

        Each is written in the transaction of what was decided, and never changed.
        """
        ...

    # Outbox and ticks ---------------------------------------------------------------------------

    def pending_messages(self, stream: str | None = None, limit: int = 100) -> Sequence[PendingMessage]:
        """Undelivered messages, oldest first."""
        ...

    def claim_outbox(self, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
        """True for the one worker that may tell the tracker of a stream; asked again it renews the lease."""
        ...

    def release_outbox(self, stream: str, worker: str) -> None:
        """Give that lease up at once; harmless where it is not held."""
        ...

    def delivered(self, message_id: int, receipt: Receipt, at: datetime) -> None:
        """Mark a message delivered; the receipt is kept on the version its window made, if any."""
        ...

    def undelivered(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt and keep its reason."""
        ...

    def claim_tick(self, stream: str, due_at: datetime, scheduler: str) -> bool:
        """True for the one scheduler that may dispatch this tick."""
        ...

    def last_tick(self, stream: str) -> datetime | None:
        """When the latest claimed tick was due."""
        ...


class Engine(Protocol):
    """Where training runs."""

    def run(self, plan: GrowthPlan, report: Report) -> GrowthResult:
        """Grow what the plan says; weights land in the artifacts. Equal plans give equal weights.

        An interrupted run is taken up at its last checkpoint. Raises GrowLearnError where training
        failed, with the reason; Unavailable where the same may succeed later.
        """
        ...

    def consolidate(self, plan: ConsolidationPlan, report: Report) -> ConsolidationResult:
        """Distil a model into fewer branches, under the same promises."""
        ...


@dataclass(frozen=True, kw_only=True)
class Question:
    """One task's stored rows (sha256 of Parquet) to be answered by a model.

    Where they are `routed` the model is not told the task, and any of its tasks may answer.
    """

    task: str
    rows: str
    routed: bool = False


class Evaluator(Protocol):
    """Counts right answers of a model, task by task, and stores the answers."""

    def evaluate(self, manifest: Manifest, questions: Sequence[Question]) -> Sequence[Cell]:
        """One cell a question, in order."""
        ...


@dataclass(frozen=True, kw_only=True)
class CycleRecord:
    """Everything the tracker is told of one window; built from the store alone.

    `base_cells` are what the version grown from answered on each task it knew.
    """

    stream: Stream
    window: Window
    record: WindowRecord
    matrix: AccuracyMatrix
    version: Version | None
    branches: Sequence[Branch]
    base_cells: Sequence[Cell] = ()
    story: Sequence[Chapter] = ()


class Tracker(Protocol):
    """The mirror of the record (MLflow). Every call may be repeated and has one effect."""

    def log_cycle(self, record: CycleRecord) -> Receipt:
        """One run a window, with a registered model version where the window made a version."""
        ...

    def set_aliases(self, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
        """Make each alias of the registered model point at that tracker version; None removes it."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside, and who this worker is; a lease not renewed for `lease_s` is lost."""

    clock: Clock
    store: Store
    artifacts: Artifacts
    engine: Engine
    evaluator: Evaluator
    open_source: Callable[[SourceSpec], Source]
    worker: str
    lease_s: float
