"""The record of streams."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.decision_log import LogEntry
from growlearn.domain.delayed_labels import LabelJoinRecord, PendingLabels
from growlearn.domain.drift import DriftReport
from growlearn.domain.growth import Progress
from growlearn.domain.job import Job
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.process import ProcessRecord
from growlearn.domain.stream import (
    AliasChange,
    Message,
    Stream,
    Transition,
    WindowRecord,
)
from growlearn.domain.stream_overview import StreamArrival, StreamSchedule, StreamStatus, StreamWork
from growlearn.domain.window import BadRow, Claim, FileRecord, IngestResult, Window, WindowState
from growlearn.domain.window_progress import WindowProgress
from growlearn.ports.canary_records import CanaryRecords
from growlearn.ports.outbox import Outbox


class Store(Protocol):
    """The database, which is the source of truth. Every method is one transaction."""

    @property
    def outbox(self) -> Outbox:
        """The messages to the tracker that changes have queued."""
        ...

    @property
    def canaries(self) -> CanaryRecords:
        """The canaries of all streams."""
        ...

    # Streams ------------------------------------------------------------------------------------

    def apply(self, job: Job, at: datetime, actor: str = "growlearn") -> Stream:
        """Create the job's stream or update an existing one; the decision log records the actor."""
        ...

    def stream(self, name: str) -> Stream:
        """One stream; raises NotFound listing the known streams."""
        ...

    def streams(self) -> Sequence[Stream]:
        """All streams by name."""
        ...

    def stream_statuses(self, now: datetime, name: str | None = None) -> Sequence[StreamStatus]:
        """Where each stream stands, by name, or one of them; raises NotFound."""
        ...

    def stream_schedules(self) -> Sequence[StreamSchedule]:
        """When each stream is due, by name."""
        ...

    def stream_work(self) -> Sequence[StreamWork]:
        """What may call a worker to each stream, by name."""
        ...

    def windows_in_progress(self, now: datetime) -> Sequence[WindowProgress]:
        """The windows under an unexpired lease, by stream, each with its progress."""
        ...

    def stream_arrivals(self) -> Sequence[StreamArrival]:
        """When the last file arrived of each stream whose job has `silent_after`, by name.

        Paused streams are left out.
        """
        ...

    def delete(self, name: str) -> None:
        """Delete a stream and all its rows; raises NotFound."""
        ...

    def record_look(self, name: str, at: datetime) -> None:
        """Store that a stream's source was searched for new files; harmless for an unknown stream."""
        ...

    def set_paused(self, stream: str, paused: bool, at: datetime, actor: str) -> bool:
        """Pause or resume a stream, with an entry of the decision log; False where it is so already.

        Schedulers and workers leave a paused stream alone; a window in progress is finished. Raises NotFound.
        """
        ...

    # Processes ----------------------------------------------------------------------------------

    def record_heartbeat(self, process: ProcessRecord) -> None:
        """Store a process as it is now; those silent for longer than `PROCESS_RETENTION` are removed."""
        ...

    def remove_process(self, process_id: str) -> None:
        """Remove a process that ended in order; harmless where it is not there."""
        ...

    def processes(self) -> Sequence[ProcessRecord]:
        """All processes in the order of their starts."""
        ...

    # Ingest -------------------------------------------------------------------------------------

    def ingested_files(self, stream: str) -> Sequence[FileRecord]:
        """Every ingested file, in order of ingest; a url appears more than once if it changed."""
        ...

    def record_ingest(self, ingested: IngestResult) -> bool:
        """Write the result of ingesting one file; False, and nothing written, if it was ingested before.

        A file was ingested before if its latest record has the same fingerprint and schema.

        A window whose number exists (the open one of a row-count stream) is updated, others are added.
        Labels joined by row id give a window, in any state, its new snapshot. Raises ConcurrentUpdate, and
        writes nothing, where another process changed these windows or the pending labels meanwhile.
        """
        ...

    def pending_labels(self, stream: str) -> Sequence[PendingLabels]:
        """Labels whose rows have not arrived yet, in the order in which their files arrived."""
        ...

    def label_joins(self, stream: str) -> Sequence[LabelJoinRecord]:
        """Every join of labels to a window that was ingested before them, oldest first."""
        ...

    def windows(self, stream: str, states: Collection[WindowState] | None = None) -> Sequence[Window]:
        """The windows of a stream by number: all, or those in these states."""
        ...

    def window(self, stream: str, window: str) -> Window:
        """One window by its id (w3); raises NotFound."""
        ...

    def bad_rows(self, stream: str, window: str) -> Sequence[BadRow]:
        """The rejected rows of a window, in order."""
        ...

    # Work ---------------------------------------------------------------------------------------

    def count_pending(self, stream: str) -> int:
        """How many windows of a stream are pending."""
        ...

    def open_window(self, window: Window, plan: ConsolidationPlan) -> bool:
        """Add a window that has no file, with its plan; False where its number is already taken.

        Raises NotFound for the stream.
        """
        ...

    def claim(
        self, stream: str, worker: str, now: datetime, lease_s: float, max_leases: int = 0
    ) -> Window | None:
        """Lease the next pending window of a stream, by `queue_priority`, under a new claim number.

        None where nothing is pending, or another worker's lease on any window of the stream has not expired:
        windows of one stream run in order, one at a time. None too where so many other streams have an
        active lease as `max_leases` allows; 0 allows any number.
        """
        ...

    def requeue(self, stream: str, window: str, at: datetime) -> bool:
        """Move a window that waits for labels back to be judged again; False where it no longer waits."""
        ...

    def has_active_lease(self, stream: str, now: datetime) -> bool:
        """Whether any worker has an unexpired lease on a window of the stream."""
        ...

    def renew(self, claim: Claim, now: datetime, lease_s: float, progress: Progress | None = None) -> bool:
        """Heartbeat: extend the lease, and record how far the work has come where it has come further.

        False where the window was claimed again, or its stream deleted.
        """
        ...

    def release(self, claim: Claim) -> None:
        """Release the lease; harmless where it is not held under this claim."""
        ...

    def record_failure(self, claim: Claim, reason: str, at: datetime) -> int:
        """Count a failure of a claimed window, and store its reason; returns the count.

        Raises LeaseLost where the window is not leased under this claim.
        """
        ...

    def advance(self, transition: Transition) -> Window:
        """Apply one legal transition with all its records.

        Raises IllegalTransition for one not in the table, LeaseLost where the window is no longer leased to
        `worker` under `claim`, ConcurrentUpdate where it is no longer in `source`, or the stream's parent
        version is not `parent_version_before`; then nothing is written.
        """
        ...

    def window_record(self, stream: str, window: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window; raises NotFound."""
        ...

    def drift_reports(self, stream: str, windows: Sequence[str]) -> Mapping[str, DriftReport]:
        """The latest drift report of each of these windows that has one, by window."""
        ...

    # Model --------------------------------------------------------------------------------------

    def branches(self, stream: str) -> Sequence[BranchRecord]:
        """All branches ever grown, rejected ones too, in the order they were grown."""
        ...

    def tasks(self, stream: str) -> Sequence[Task]:
        """All tasks ever opened or refined, in that order; a refinement adds one of the same name."""
        ...

    def versions(self, stream: str) -> Sequence[Version]:
        """All versions by number."""
        ...

    def change_aliases(
        self,
        stream: str,
        changes: Sequence[AliasChange],
        parent_version: int | None,
        message: Message,
        *,
        parent_version_before: int | None = None,
    ) -> None:
        """Change aliases and the parent version (promotion, rollback) and notify the tracker.

        Raises ConcurrentUpdate where an alias is no longer at its change's `before`, or a parent version that
        is to change is not `parent_version_before` (None: any); then nothing is written.
        """
        ...

    def alias_changes(self, stream: str) -> Sequence[AliasChange]:
        """Every alias change of a stream, oldest first."""
        ...

    def decision_log(self, stream: str, window: str | None = None) -> Sequence[LogEntry]:
        """Every decision of a stream, or on one window, oldest first.

        They are jobs applied, transitions, alias changes by people, and canaries started and stopped.
        Each is written in the transaction of the decision, and never changed.
        """
        ...

    def record_accuracy_estimate(self, stream: str, estimate: AccuracyEstimate) -> None:
        """Store the estimate of a window in place of any earlier one; raises NotFound."""
        ...

    def accuracy_estimates(self, stream: str) -> Mapping[str, AccuracyEstimate]:
        """The estimates of a stream by window id, in the order of the windows."""
        ...

    def outdated_estimates(self, stream: str, max_rows: int) -> Sequence[AccuracyEstimate]:
        """Those compared with fewer labels than their window has now, and with less than `max_rows`."""
        ...

    def record_removed_files(self, stream: str, digests: Sequence[str], at: datetime) -> None:
        """Note stored files (sha256) that retention removes; raises NotFound."""
        ...

    def removed_files(self, stream: str) -> Mapping[str, datetime]:
        """When each file that retention removed was removed, by its sha256."""
        ...

    # Ticks --------------------------------------------------------------------------------------

    def claim_ticks(self, due: Mapping[str, datetime]) -> frozenset[str]:
        """The streams, of those due, of which this scheduler may dispatch the tick; unknown ones are not."""
        ...

    def last_tick(self, stream: str) -> datetime | None:
        """When the latest claimed tick was due."""
        ...
