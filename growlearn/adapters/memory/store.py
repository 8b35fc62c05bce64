"""The Store port in memory: the same results and errors as a database, lost with the process."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from growlearn.adapters.memory import (
    accuracy_estimates,
    decision_log,
    ingest,
    leases,
    model,
    overview,
    record,
    streams,
)
from growlearn.adapters.memory.alerts import MemoryAlertQueue
from growlearn.adapters.memory.canaries import MemoryCanaryRecords, end_canary_of_moved_alias
from growlearn.adapters.memory.outbox import MemoryOutbox
from growlearn.adapters.memory.processes import ProcessTable
from growlearn.adapters.memory.state import StreamState, StreamStates, require_timezone
from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.alert import (
    make_ingest_alerts,
    make_promotion_alerts,
    make_step_failure_alert,
    make_transition_alerts,
)
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.decision_log import LogEntry
from growlearn.domain.delayed_labels import LabelJoinRecord, PendingLabels
from growlearn.domain.drift import DriftReport
from growlearn.domain.growth import Progress
from growlearn.domain.job import Job
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.process import ProcessRecord
from growlearn.domain.stream import AliasChange, Message, Stream, Transition, WindowRecord
from growlearn.domain.stream_overview import StreamArrival, StreamSchedule, StreamStatus, StreamWork
from growlearn.domain.window import (
    PENDING,
    BadRow,
    Claim,
    FileRecord,
    IngestResult,
    Window,
    WindowState,
    check_transition,
)
from growlearn.domain.window_progress import WindowProgress


class MemoryStore:
    """The record in memory; may be shared by threads. See ports.Store for each method.

    Listings of an unknown stream are empty; only look-ups of one thing raise NotFound.
    """

    def __init__(self, *initial_states: StreamState) -> None:
        """Streams that have a past already may be given."""
        self._states = StreamStates(initial_states)
        self._lock = self._states.lock
        self._processes = ProcessTable()
        self.alerts = MemoryAlertQueue(self._states)
        self.outbox = MemoryOutbox(self._states)
        self.canaries = MemoryCanaryRecords(self._states, self.alerts)

    def close(self) -> None:
        """Nothing to close, unlike a database."""

    # Streams ------------------------------------------------------------------------------------

    def apply(self, job: Job, at: datetime, actor: str = "growlearn") -> Stream:
        """Create the stream of this job, or set the new job of an existing one."""
        with self._lock:
            require_timezone(at)
            return streams.set_job(self._states, job, at, actor)

    def stream(self, name: str) -> Stream:
        """One stream; raises NotFound."""
        with self._lock:
            return self._states.get(name).stream

    def streams(self) -> Sequence[Stream]:
        """All streams by name."""
        with self._lock:
            return tuple(state.stream for state in self._states.list_all())

    def stream_statuses(self, now: datetime, name: str | None = None) -> Sequence[StreamStatus]:
        """Where each stream stands, by name, or one of them; raises NotFound."""
        with self._lock:
            require_timezone(now)
            states = self._states.list_all() if name is None else [self._states.get(name)]
            return tuple(overview.make_status(state, now) for state in states)

    def stream_schedules(self) -> Sequence[StreamSchedule]:
        """When each stream is due, by name."""
        with self._lock:
            return tuple(map(overview.make_schedule, self._states.list_all()))

    def windows_in_progress(self, now: datetime) -> Sequence[WindowProgress]:
        """The windows under an unexpired lease, by stream, each with its progress."""
        with self._lock:
            require_timezone(now)
            states = self._states.list_all()
            return tuple(found for state in states for found in overview.list_progress(state, now))

    def stream_work(self) -> Sequence[StreamWork]:
        """What may call a worker to each stream, by name."""
        with self._lock:
            return tuple(map(overview.make_work, self._states.list_all()))

    def stream_arrivals(self) -> Sequence[StreamArrival]:
        """When the last file of each stream arrived that is expected to bring some, by name."""
        with self._lock:
            found = map(overview.find_arrival, self._states.list_all())
            return tuple(arrival for arrival in found if arrival is not None)

    def delete(self, name: str) -> None:
        """Delete a stream and all its rows; raises NotFound."""
        with self._lock:
            self._states.remove(name)
            self.outbox.drop_stream(name)
            self.alerts.drop_stream(name)

    def record_look(self, name: str, at: datetime) -> None:
        """Store that a stream's source was searched for new files; no effect on an unknown stream."""
        with self._lock:
            require_timezone(at)
            state = self._states.find(name)
            if state is not None:
                state.stream = replace(state.stream, looked_at=at)

    def set_paused(self, stream: str, paused: bool, at: datetime, actor: str) -> bool:
        """Pause or resume a stream; False where it is so already. Raises NotFound."""
        with self._states.draft(stream) as state:
            require_timezone(at)
            return streams.pause_or_resume(state, paused, at, actor)

    # Processes ----------------------------------------------------------------------------------

    def record_heartbeat(self, process: ProcessRecord) -> None:
        """Store a process as it is now, and remove those that have been silent for a day."""
        with self._lock:
            require_timezone(process.heartbeat_at)
            self._processes.update(process)

    def remove_process(self, process_id: str) -> None:
        """Remove a process that ended in order."""
        with self._lock:
            self._processes.remove(process_id)

    def processes(self) -> Sequence[ProcessRecord]:
        """All processes in the order of their starts."""
        with self._lock:
            return self._processes.list_all()

    # Ingest -------------------------------------------------------------------------------------

    def ingested_files(self, stream: str) -> Sequence[FileRecord]:
        """Every ingested file, in order of ingest."""
        with self._lock:
            state = self._states.find(stream)
            return () if state is None else tuple(state.ingested_files)

    def record_ingest(self, ingested: IngestResult) -> bool:
        """Write the results of ingesting one file; False if it was ingested before."""
        with self._states.draft(ingested.stream) as state:
            require_timezone(ingested.at)
            is_new = ingest.add_ingested(state, ingested)
            if is_new:
                self.alerts.record(make_ingest_alerts(ingested))
            return is_new

    def pending_labels(self, stream: str) -> Sequence[PendingLabels]:
        """Labels whose rows have not arrived, in the order of their files."""
        with self._lock:
            state = self._states.find(stream)
            return () if state is None else tuple(state.pending_labels)

    def label_joins(self, stream: str) -> Sequence[LabelJoinRecord]:
        """Every join of labels to a window that was ingested before them, oldest first."""
        with self._lock:
            state = self._states.find(stream)
            return () if state is None else tuple(state.label_joins)

    def windows(self, stream: str, states: Collection[WindowState] | None = None) -> Sequence[Window]:
        """The windows of a stream by number: all, or those in these states."""
        with self._lock:
            return ingest.select_windows(self._states.find(stream), states)

    def window(self, stream: str, window: str) -> Window:
        """One window by its id; raises NotFound."""
        with self._lock:
            return ingest.require_window(self._states.find(stream), stream, window)

    def bad_rows(self, stream: str, window: str) -> Sequence[BadRow]:
        """Rejected rows of a window, in order; raises NotFound."""
        with self._lock:
            self.window(stream, window)
            return self._states.get(stream).bad_rows.get(window, ())

    # Work ---------------------------------------------------------------------------------------

    def open_window(self, window: Window, plan: ConsolidationPlan) -> bool:
        """Add a window without a file, with its plan; False where its number is taken."""
        with self._states.draft(window.stream) as state:
            require_timezone(window.discovered_at)
            return leases.add_window(state, window, plan)

    def claim(
        self, stream: str, worker: str, now: datetime, lease_s: float, max_leases: int = 0
    ) -> Window | None:
        """Lease the pending window of a stream that is next, unless too many others are leased."""
        with self._lock:
            require_timezone(now)
            if max_leases and leases.count_other_leased_streams(self._states, stream, now) >= max_leases:
                return None
            state = self._states.find(stream)
            return None if state is None else leases.lease_next_window(state, worker, now, lease_s)

    def requeue(self, stream: str, window: str, at: datetime) -> bool:
        """Send a window that awaits labels back to be judged again; False where it no longer does."""
        with self._lock:
            require_timezone(at)
            return leases.return_to_judging(self._states.find(stream), window, at)

    def has_active_lease(self, stream: str, now: datetime) -> bool:
        """Whether a worker's lease on a window of the stream is active."""
        with self._lock:
            require_timezone(now)
            state = self._states.find(stream)
            return state is not None and leases.is_leased(state, now)

    def renew(self, claim: Claim, now: datetime, lease_s: float, progress: Progress | None = None) -> bool:
        """Heartbeat: extend the lease; False where the window is not leased under this claim."""
        with self._lock:
            require_timezone(now)
            state = leases.find_claimed(self._states, claim)
            if state is not None:
                leases.extend_lease(state, claim, now, lease_s, progress)
            return state is not None

    def release(self, claim: Claim) -> None:
        """End the lease at once; no effect where it is not held under this claim."""
        with self._lock:
            state = leases.find_claimed(self._states, claim)
            if state is not None:
                del state.leases[claim.window]

    def count_pending(self, stream: str) -> int:
        """How many windows of a stream are pending."""
        return len(self.windows(stream, PENDING))

    def record_failure(self, claim: Claim, reason: str, at: datetime) -> int:
        """Count a failure of a window; raises LeaseLost where it is not leased under this claim."""
        with self._lock:
            require_timezone(at)
            failures = leases.count_window_failure(self._states, claim, reason, at)
            self.alerts.record([make_step_failure_alert(claim, reason, at)])
            return failures

    def advance(self, transition: Transition) -> Window:
        """Make one legal transition; raises IllegalTransition, LeaseLost or ConcurrentUpdate."""
        check_transition(transition.source, transition.target)
        with self._lock:
            require_timezone(transition.at)
            window = leases.advance_window(self._states, transition)
            self.outbox.record(transition.messages)
            self.alerts.record(make_transition_alerts(transition))
            return window

    def window_record(self, stream: str, window: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window; raises NotFound."""
        with self._lock:
            self.window(stream, window)
            return self._states.get(stream).records.get(window, WindowRecord())

    def drift_reports(self, stream: str, windows: Sequence[str]) -> Mapping[str, DriftReport]:
        """The latest drift report of each of these windows that has one, by window."""
        with self._lock:
            state = self._states.find(stream)
            return {} if state is None else record.find_reports(state, windows)

    # Model --------------------------------------------------------------------------------------

    def branches(self, stream: str) -> Sequence[BranchRecord]:
        """All branches ever grown, in the order they were grown."""
        with self._lock:
            state = self._states.find(stream)
            return () if state is None else tuple(state.branches)

    def tasks(self, stream: str) -> Sequence[Task]:
        """All tasks ever opened or refined, in that order."""
        with self._lock:
            state = self._states.find(stream)
            return () if state is None else tuple(state.tasks)

    def versions(self, stream: str) -> Sequence[Version]:
        """All versions by number."""
        with self._lock:
            state = self._states.find(stream)
            stream_versions = () if state is None else state.versions
            return tuple(sorted(stream_versions, key=lambda version: version.number))

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
        with self._lock:
            with self._states.draft(stream) as state:
                if parent_version is not None and parent_version_before is not None:
                    model.check_parent_version(state, parent_version_before)
                model.change_aliases(state, changes, parent_version)
                if changes:
                    decision_log.append_alias_entry(state, tuple(changes))
                    end_canary_of_moved_alias(state, changes[0].at, changes[0].actor)
            self.outbox.record([message])
            self.alerts.record(make_promotion_alerts(changes))

    def alias_changes(self, stream: str) -> Sequence[AliasChange]:
        """Every alias change of a stream, oldest first."""
        with self._lock:
            state = self._states.find(stream)
            return () if state is None else tuple(state.alias_changes)

    def decision_log(self, stream: str, window: str | None = None) -> Sequence[LogEntry]:
        """Every decision of a stream, or on one window, oldest first."""
        with self._lock:
            state = self._states.find(stream)
            entries = () if state is None else state.decision_log
            return tuple(entry for entry in entries if window is None or entry.window == window)

    def record_accuracy_estimate(self, stream: str, estimate: AccuracyEstimate) -> None:
        """Store the estimate of a window in place of any earlier one; raises NotFound."""
        with self._states.draft(stream) as state:
            state.accuracy_estimates[estimate.window] = estimate

    def accuracy_estimates(self, stream: str) -> Mapping[str, AccuracyEstimate]:
        """The estimates of a stream by window id, in the order of the windows."""
        with self._lock:
            state = self._states.find(stream)
            return {} if state is None else accuracy_estimates.sort_estimates(state)

    def outdated_estimates(self, stream: str, max_rows: int) -> Sequence[AccuracyEstimate]:
        """Those compared with fewer labels than their window has now, and with less than `max_rows`."""
        with self._lock:
            state = self._states.find(stream)
            return () if state is None else accuracy_estimates.find_outdated_estimates(state, max_rows)

    def record_removed_files(self, stream: str, digests: Sequence[str], at: datetime) -> None:
        """Note files that retention removes; raises NotFound."""
        with self._states.draft(stream) as state:
            require_timezone(at)
            state.removed_files.update(dict.fromkeys(digests, at))

    def removed_files(self, stream: str) -> Mapping[str, datetime]:
        """When each file was removed, by its sha256."""
        with self._lock:
            state = self._states.find(stream)
            return {} if state is None else dict(state.removed_files)

    # Ticks --------------------------------------------------------------------------------------

    def claim_ticks(self, due: Mapping[str, datetime]) -> frozenset[str]:
        """The streams of which this scheduler may dispatch the tick."""
        with self._lock:
            for due_at in due.values():
                require_timezone(due_at)
            return streams.claim_new_ticks(self._states, due)

    def last_tick(self, stream: str) -> datetime | None:
        """When the latest claimed tick was due."""
        with self._lock:
            state = self._states.find(stream)
            return None if state is None else max(state.ticks, default=None)
