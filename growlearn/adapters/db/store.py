"""The Store port over a database: every method one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from growlearn.adapters.db import (
    accuracy_estimates,
    alerts,
    canaries,
    decision_log,
    drift_reports,
    ingest,
    labels,
    leases,
    model,
    outbox,
    overview,
    processes,
    record,
    removed_files,
    streams,
)
from growlearn.adapters.db.engine import connect, read_transaction, write_transaction
from growlearn.adapters.db.mapping import lock_existing_stream
from growlearn.adapters.db.revision import require_head_revision
from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.alert import make_promotion_alerts
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


def open_db_store(url: str) -> DbStore:
    """The store at a URL; raises GrowLearnError where its tables are not those this growlearn knows.

    sqlite:///path/to/file.db, or postgresql://user:password@host/database. Close it when done.
    """
    require_head_revision(url)
    return DbStore(connect(url))


class DbStore:
    """The store in SQLite or PostgreSQL; may be shared by threads. See ports.Store for each method.

    Listings of an unknown stream are empty; only look-ups of one thing raise NotFound.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.outbox = outbox.DbOutbox(engine)
        self.canaries = canaries.DbCanaryRecords(engine)

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
        """Create the stream of this job, or set the new job of an existing one."""
        with write_transaction(self._engine) as connection:
            stream = streams.upsert_stream(connection, job, at)
            decision_log.write_job_entry(connection, job, at, actor)
            return stream

    def stream(self, name: str) -> Stream:
        """One stream; raises NotFound."""
        with read_transaction(self._engine) as connection:
            return streams.get_stream(connection, name)

    def streams(self) -> Sequence[Stream]:
        """All streams by name."""
        with read_transaction(self._engine) as connection:
            return streams.list_streams(connection)

    def stream_statuses(self, now: datetime, name: str | None = None) -> Sequence[StreamStatus]:
        """Where each stream stands, by name, or one of them; raises NotFound."""
        with read_transaction(self._engine) as connection:
            return overview.list_statuses(connection, now, name)

    def stream_schedules(self) -> Sequence[StreamSchedule]:
        """When each stream is due, by name."""
        with read_transaction(self._engine) as connection:
            return overview.list_schedules(connection)

    def windows_in_progress(self, now: datetime) -> Sequence[WindowProgress]:
        """The windows under an unexpired lease, by stream, each with its progress."""
        with read_transaction(self._engine) as connection:
            return overview.list_windows_in_progress(connection, now)

    def stream_work(self) -> Sequence[StreamWork]:
        """What may call a worker to each stream, by name."""
        with read_transaction(self._engine) as connection:
            return overview.list_work(connection)

    def stream_arrivals(self) -> Sequence[StreamArrival]:
        """When the last file of each stream arrived that is expected to bring some, by name."""
        with read_transaction(self._engine) as connection:
            return overview.list_arrivals(connection)

    def delete(self, name: str) -> None:
        """Delete a stream and all its rows; raises NotFound."""
        with write_transaction(self._engine) as connection:
            streams.delete_stream(connection, name)

    def record_look(self, name: str, at: datetime) -> None:
        """Store that a stream's source was searched for new files; no effect on an unknown stream."""
        with write_transaction(self._engine) as connection:
            streams.record_look(connection, name, at)

    def set_paused(self, stream: str, paused: bool, at: datetime, actor: str) -> bool:
        """Pause or resume a stream; False where it is so already. Raises NotFound."""
        with write_transaction(self._engine) as connection:
            if not streams.set_paused_at(connection, stream, at if paused else None):
                return False
            decision_log.write_pause_entry(connection, stream, paused, at, actor)
            return True

    # Processes ----------------------------------------------------------------------------------

    def record_heartbeat(self, process: ProcessRecord) -> None:
        """Store a process as it is now, and remove those that have been silent for a day."""
        with write_transaction(self._engine) as connection:
            processes.record_heartbeat(connection, process)

    def remove_process(self, process_id: str) -> None:
        """Remove a process that ended in order."""
        with write_transaction(self._engine) as connection:
            processes.remove_process(connection, process_id)

    def processes(self) -> Sequence[ProcessRecord]:
        """All processes in the order of their starts."""
        with read_transaction(self._engine) as connection:
            return processes.list_processes(connection)

    # Ingest -------------------------------------------------------------------------------------

    def ingested_files(self, stream: str) -> Sequence[FileRecord]:
        """Every ingested file, in order of ingest."""
        with read_transaction(self._engine) as connection:
            return streams.list_ingested_files(connection, stream)

    def record_ingest(self, ingested: IngestResult) -> bool:
        """Write the results of ingesting one file; False if it was ingested before."""
        with write_transaction(self._engine) as connection:
            return ingest.record_ingest(connection, ingested)

    def pending_labels(self, stream: str) -> Sequence[PendingLabels]:
        """Labels whose rows have not arrived, in the order of their files."""
        with read_transaction(self._engine) as connection:
            return labels.list_pending_labels(connection, stream)

    def label_joins(self, stream: str) -> Sequence[LabelJoinRecord]:
        """Every join of labels to a window that was ingested before them, oldest first."""
        with read_transaction(self._engine) as connection:
            return labels.list_label_joins(connection, stream)

    def windows(self, stream: str, states: Collection[WindowState] | None = None) -> Sequence[Window]:
        """The windows of a stream by number: all, or those in these states."""
        with read_transaction(self._engine) as connection:
            return ingest.list_windows(connection, stream, states)

    def window(self, stream: str, window: str) -> Window:
        """One window by its id; raises NotFound."""
        with read_transaction(self._engine) as connection:
            return ingest.get_window(connection, stream, window)

    def bad_rows(self, stream: str, window: str) -> Sequence[BadRow]:
        """Rejected rows of a window, in order; raises NotFound."""
        with read_transaction(self._engine) as connection:
            return ingest.list_bad_rows(connection, stream, window)

    # Work ---------------------------------------------------------------------------------------

    def open_window(self, window: Window, plan: ConsolidationPlan) -> bool:
        """Add a window without a file, with its plan; False where its number is taken."""
        with write_transaction(self._engine) as connection:
            return leases.open_window(connection, window, plan)

    def claim(
        self, stream: str, worker: str, now: datetime, lease_s: float, max_leases: int = 0
    ) -> Window | None:
        """Lease the pending window of a stream that is next, unless too many others are leased."""
        with write_transaction(self._engine) as connection:
            if max_leases and leases.count_leased_streams(connection, stream, now) >= max_leases:
                return None
            return leases.claim_pending_window(connection, stream, worker, now, lease_s)

    def requeue(self, stream: str, window: str, at: datetime) -> bool:
        """Send a window that awaits labels back to be judged again; False where it no longer does."""
        with write_transaction(self._engine) as connection:
            return leases.requeue_window(connection, stream, window, at)

    def has_active_lease(self, stream: str, now: datetime) -> bool:
        """Whether a worker's lease on a window of the stream is active."""
        with read_transaction(self._engine) as connection:
            return leases.has_active_lease(connection, stream, now)

    def renew(self, claim: Claim, now: datetime, lease_s: float, progress: Progress | None = None) -> bool:
        """Heartbeat: extend the lease; False where the window is not leased under this claim."""
        with write_transaction(self._engine) as connection:
            return leases.renew_lease(connection, claim, now, lease_s, progress)

    def release(self, claim: Claim) -> None:
        """End the lease at once; no effect where it is not held under this claim."""
        with write_transaction(self._engine) as connection:
            leases.release_lease(connection, claim)

    def count_pending(self, stream: str) -> int:
        """How many windows of a stream are pending."""
        with read_transaction(self._engine) as connection:
            return leases.count_pending_windows(connection, stream)

    def record_failure(self, claim: Claim, reason: str, at: datetime) -> int:
        """Count a failure of a window; raises LeaseLost where it is not leased under this claim."""
        with write_transaction(self._engine) as connection:
            return leases.record_window_failure(connection, claim, reason, at)

    def advance(self, transition: Transition) -> Window:
        """Make one legal transition; raises IllegalTransition, LeaseLost or ConcurrentUpdate."""
        with write_transaction(self._engine) as connection:
            return leases.apply_transition(connection, transition)

    def window_record(self, stream: str, window: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window; raises NotFound."""
        with read_transaction(self._engine) as connection:
            return record.load_window_record(connection, stream, window)

    def drift_reports(self, stream: str, windows: Sequence[str]) -> Mapping[str, DriftReport]:
        """The latest drift report of each of these windows that has one, by window."""
        with read_transaction(self._engine) as connection:
            return drift_reports.load_latest_reports(connection, stream, windows)

    # Model --------------------------------------------------------------------------------------

    def branches(self, stream: str) -> Sequence[BranchRecord]:
        """All branches ever grown, in the order they were grown."""
        with read_transaction(self._engine) as connection:
            return model.list_branches(connection, stream)

    def tasks(self, stream: str) -> Sequence[Task]:
        """All tasks ever opened, in the order they were opened."""
        with read_transaction(self._engine) as connection:
            return model.list_tasks(connection, stream)

    def versions(self, stream: str) -> Sequence[Version]:
        """All versions by number."""
        with read_transaction(self._engine) as connection:
            return model.list_versions(connection, stream)

    def change_aliases(
        self,
        stream: str,
        changes: Sequence[AliasChange],
        parent_version: int | None,
        message: Message,
        *,
        parent_version_before: int | None = None,
    ) -> None:
        """Change aliases, and the parent version unless it is None; raises ConcurrentUpdate or NotFound."""
        with write_transaction(self._engine) as connection:
            lock_existing_stream(connection, stream)
            if parent_version is not None and parent_version_before is not None:
                model.require_parent_version(connection, stream, parent_version_before)
            decision = decision_log.write_alias_change_entry(connection, stream, changes)
            model.apply_alias_changes(connection, stream, changes, parent_version, decision)
            if changes:
                canaries.end_canary_of_moved_alias(connection, stream, changes[0].at, changes[0].actor)
            outbox.enqueue_message(connection, message)
            alerts.insert_alerts(connection, make_promotion_alerts(changes))

    def alias_changes(self, stream: str) -> Sequence[AliasChange]:
        """Every alias change of a stream, oldest first."""
        with read_transaction(self._engine) as connection:
            return model.list_alias_changes(connection, stream)

    def decision_log(self, stream: str, window: str | None = None) -> Sequence[LogEntry]:
        """Every decision of a stream, or on one window, oldest first."""
        with read_transaction(self._engine) as connection:
            return decision_log.list_log_entries(connection, stream, window)

    def record_accuracy_estimate(self, stream: str, estimate: AccuracyEstimate) -> None:
        """Store the estimate of a window in place of any earlier one; raises NotFound."""
        with write_transaction(self._engine) as connection:
            accuracy_estimates.write_estimate(connection, stream, estimate)

    def accuracy_estimates(self, stream: str) -> Mapping[str, AccuracyEstimate]:
        """The estimates of a stream by window id, in the order of the windows."""
        with read_transaction(self._engine) as connection:
            return accuracy_estimates.list_estimates(connection, stream)

    def outdated_estimates(self, stream: str, max_rows: int) -> Sequence[AccuracyEstimate]:
        """Those compared with fewer labels than their window has now, and with less than `max_rows`."""
        with read_transaction(self._engine) as connection:
            return accuracy_estimates.list_outdated_estimates(connection, stream, max_rows)

    def record_removed_files(self, stream: str, digests: Sequence[str], at: datetime) -> None:
        """Note files that retention removes; raises NotFound."""
        with write_transaction(self._engine) as connection:
            removed_files.record_removed_files(connection, stream, digests, at)

    def removed_files(self, stream: str) -> Mapping[str, datetime]:
        """When each file was removed, by its sha256."""
        with read_transaction(self._engine) as connection:
            return removed_files.list_removed_files(connection, stream)

    # Ticks --------------------------------------------------------------------------------------

    def claim_ticks(self, due: Mapping[str, datetime]) -> frozenset[str]:
        """The streams of which this scheduler may dispatch the tick."""
        with write_transaction(self._engine) as connection:
            return streams.claim_ticks(connection, due)

    def last_tick(self, stream: str) -> datetime | None:
        """When the latest claimed tick was due."""
        with read_transaction(self._engine) as connection:
            return streams.get_last_tick(connection, stream)
