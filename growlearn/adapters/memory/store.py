"""The Store port in memory: the same results and errors as a database, lost with the process."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from growlearn import __version__
from growlearn.adapters.memory import canaries
from growlearn.adapters.memory.alerts import MemoryAlertQueue
from growlearn.adapters.memory.overview import (
    find_arrival,
    list_windows_in_progress,
    make_schedule,
    make_status,
    make_work,
)
from growlearn.adapters.memory.queue import MessageQueue
from growlearn.adapters.memory.state import (
    Lease,
    StreamState,
    add_model_records,
    append_job_entry,
    apply_label_join,
    change_aliases,
    check_can_extend,
    check_parent_version,
    is_already_ingested,
    update_record,
    update_window,
)
from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.alert import (
    make_canary_alerts,
    make_ingest_alerts,
    make_promotion_alerts,
    make_training_failure_alert,
    make_transition_alerts,
)
from growlearn.domain.canary import Canary, CanaryAnswer, CanaryCounts
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.decision_log import LogEntry, make_alias_entry, make_pause_entry, make_transition_entry
from growlearn.domain.delayed_labels import LabelJoinRecord, PendingLabels
from growlearn.domain.drift import DriftReport
from growlearn.domain.errors import GrowLearnError, LeaseLost, NotFound
from growlearn.domain.growth import Progress
from growlearn.domain.job import Job
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.process import PROCESS_RETENTION, ProcessRecord
from growlearn.domain.stream import (
    AliasChange,
    Message,
    PendingMessage,
    Stream,
    TrackerIds,
    Transition,
    UndeliverableMessage,
    WindowRecord,
    make_transition_conflict,
)
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
    parse_window_number,
    queue_priority,
)
from growlearn.domain.window_progress import WindowProgress


class MemoryStore:
    """The record in memory; may be shared by threads. See ports.Store for each method."""

    def __init__(self, *initial_states: StreamState) -> None:
        """Streams that have a past already may be given."""
        self._lock = RLock()
        self._states = {state.stream.name: state for state in initial_states}
        self._outbox = MessageQueue()
        self.alerts = MemoryAlertQueue(self._lock, self._states)
        self._processes: dict[str, ProcessRecord] = {}

    def close(self) -> None:
        """Nothing to close, unlike a database."""

    def _get_state(self, stream: str) -> StreamState:
        with self._lock:
            if stream not in self._states:
                known = ", ".join(sorted(self._states)) or "none"
                raise NotFound(f"there is no stream {stream!r}", hint=f"known streams: {known}")
            return self._states[stream]

    @contextmanager
    def _draft_state(self, stream: str) -> Iterator[StreamState]:
        """A draft of a stream, stored at the end unless an error is raised."""
        with self._lock:
            draft = self._get_state(stream).copy()
            yield draft
            self._states[stream] = draft

    # Streams ------------------------------------------------------------------------------------

    def apply(self, job: Job, at: datetime, actor: str = "growlearn") -> Stream:
        """Create the stream of this job, or set the new job of an existing one."""
        with self._lock:
            _require_timezone(at)
            state = self._states.get(job.name)
            if state is None:
                state = self._states[job.name] = StreamState(Stream(job=job, created_at=at))
            else:
                state.stream = replace(state.stream, job=job)
            append_job_entry(state, at, actor)
            return state.stream

    def stream(self, name: str) -> Stream:
        """One stream; raises NotFound."""
        return self._get_state(name).stream

    def streams(self) -> Sequence[Stream]:
        """All streams by name."""
        with self._lock:
            return tuple(self._states[name].stream for name in sorted(self._states))

    def stream_statuses(self, now: datetime, name: str | None = None) -> Sequence[StreamStatus]:
        """Where each stream stands, by name, or one of them; raises NotFound."""
        with self._lock:
            _require_timezone(now)
            states = self._states_by_name() if name is None else [self._get_state(name)]
            return tuple(make_status(state, now) for state in states)

    def stream_schedules(self) -> Sequence[StreamSchedule]:
        """When each stream is due, by name."""
        with self._lock:
            return tuple(make_schedule(state) for state in self._states_by_name())

    def windows_in_progress(self, now: datetime) -> Sequence[WindowProgress]:
        """The windows under an unexpired lease, by stream, each with its progress."""
        with self._lock:
            _require_timezone(now)
            states = self._states_by_name()
            return tuple(found for state in states for found in list_windows_in_progress(state, now))

    def stream_work(self) -> Sequence[StreamWork]:
        """What may call a worker to each stream, by name."""
        with self._lock:
            return tuple(make_work(state) for state in self._states_by_name())

    def stream_arrivals(self) -> Sequence[StreamArrival]:
        """When the last file of each stream arrived that is expected to bring some, by name."""
        with self._lock:
            found = map(find_arrival, self._states_by_name())
            return tuple(arrival for arrival in found if arrival is not None)

    def _states_by_name(self) -> Sequence[StreamState]:
        return [self._states[name] for name in sorted(self._states)]

    def delete(self, name: str) -> None:
        """Delete a stream and all its rows; raises NotFound."""
        with self._lock:
            self._get_state(name)
            del self._states[name]
            self._outbox.drop_stream(name)
            self.alerts.drop_stream(name)

    def record_look(self, name: str, at: datetime) -> None:
        """Store that a stream's source was searched for new files; no effect on an unknown stream."""
        with self._lock:
            _require_timezone(at)
            if name in self._states:
                state = self._states[name]
                state.stream = replace(state.stream, looked_at=at)

    # Processes ----------------------------------------------------------------------------------

    def record_heartbeat(self, process: ProcessRecord) -> None:
        """Store a process as it is now, and remove those that have been silent for a day."""
        with self._lock:
            _require_timezone(process.heartbeat_at)
            known = {**self._processes, process.id: process}
            oldest = process.heartbeat_at - PROCESS_RETENTION
            self._processes = {name: item for name, item in known.items() if item.heartbeat_at >= oldest}

    def remove_process(self, process_id: str) -> None:
        """Remove a process that ended in order."""
        with self._lock:
            self._processes.pop(process_id, None)

    def processes(self) -> Sequence[ProcessRecord]:
        """All processes in the order of their starts."""
        with self._lock:
            known = self._processes.values()
            return tuple(sorted(known, key=lambda process: (process.started_at, process.id)))

    def set_paused(self, stream: str, paused: bool, at: datetime, actor: str) -> bool:
        """Pause or resume a stream; False where it is so already. Raises NotFound."""
        with self._draft_state(stream) as state:
            _require_timezone(at)
            if paused is (state.stream.paused_at is not None):
                return False
            state.stream = replace(state.stream, paused_at=at if paused else None)
            entry = make_pause_entry(state.stream.job, paused, at, actor, __version__)
            state.decision_log.append(entry)
            return True

    # Ingest -------------------------------------------------------------------------------------

    def ingested_files(self, stream: str) -> Sequence[FileRecord]:
        """Every ingested file, in order of ingest."""
        with self._lock:
            return tuple(self._states[stream].ingested_files) if stream in self._states else ()

    def record_ingest(self, ingested: IngestResult) -> bool:
        """Write the results of ingesting one file; False if it was ingested before."""
        with self._draft_state(ingested.stream) as state:
            _require_timezone(ingested.at)
            if is_already_ingested(state, ingested):
                return False
            state.ingested_files.append(ingested.file_record)
            state.last_file_at = ingested.at
            if ingested.label_join is not None:
                apply_label_join(state, ingested.label_join, ingested.file.url, ingested.at)
            for window in ingested.windows:
                check_can_extend(state.windows.get(window.id), window, ingested.extended_windows)
                state.windows[window.id] = window
            for bad in ingested.bad_rows:
                if bad.window is not None:
                    state.bad_rows[bad.window] = (*state.bad_rows.get(bad.window, ()), bad)
            self.alerts.record(make_ingest_alerts(ingested))
            return True

    def pending_labels(self, stream: str) -> Sequence[PendingLabels]:
        """Labels whose rows have not arrived, in the order of their files."""
        with self._lock:
            return tuple(self._states[stream].pending_labels) if stream in self._states else ()

    def label_joins(self, stream: str) -> Sequence[LabelJoinRecord]:
        """Every join of labels to a window that was ingested before them, oldest first."""
        with self._lock:
            return tuple(self._states[stream].label_joins) if stream in self._states else ()

    def windows(self, stream: str, states: Collection[WindowState] | None = None) -> Sequence[Window]:
        """The windows of a stream by number: all, or those in these states."""
        with self._lock:
            stream_windows = self._states[stream].windows.values() if stream in self._states else ()
            selected = [window for window in stream_windows if states is None or window.state in states]
            return tuple(sorted(selected, key=lambda window: window.number))

    def window(self, stream: str, window: str) -> Window:
        """One window by its id; raises NotFound."""
        with self._lock:
            stored = self._states[stream].windows.get(window) if stream in self._states else None
            if stored is None:
                count = len(self.windows(stream))
                hint = f"it has w1 to w{count}" if count else "it has none yet"
                raise NotFound(f"stream {stream!r} has no window {window!r}", hint=hint)
            return stored

    def bad_rows(self, stream: str, window: str) -> Sequence[BadRow]:
        """Rejected rows of a window, in order; raises NotFound."""
        with self._lock:
            self.window(stream, window)
            return self._states[stream].bad_rows.get(window, ())

    # Work ---------------------------------------------------------------------------------------

    def open_window(self, window: Window, plan: ConsolidationPlan) -> bool:
        """Add a window without a file, with its plan; False where its number is taken."""
        with self._draft_state(window.stream) as state:
            _require_timezone(window.discovered_at)
            if window.id in state.windows:
                return False
            state.windows[window.id] = window
            state.records[window.id] = WindowRecord(plan=plan)
            return True

    def claim(
        self, stream: str, worker: str, now: datetime, lease_s: float, max_leases: int = 0
    ) -> Window | None:
        """Lease the pending window of a stream that is next, unless too many others are leased."""
        with self._lock:
            _require_timezone(now)
            others = [name for name in self._states if name != stream and self.has_active_lease(name, now)]
            if max_leases and len(others) >= max_leases:
                return None
            pending = sorted(
                (candidate for candidate in self.windows(stream) if candidate.state in PENDING),
                key=queue_priority,
            )
            if not pending:
                return None
            leases = self._states[stream].leases
            if any(lease.owner != worker and lease.until > now for lease in leases.values()):
                return None
            claimed = replace(pending[0], claim=pending[0].claim + 1)
            self._states[stream].windows[claimed.id] = claimed
            leases[claimed.id] = Lease(worker, now + timedelta(seconds=lease_s))
            return claimed

    def requeue(self, stream: str, window: str, at: datetime) -> bool:
        """Send a window that awaits labels back to be judged again; False where it no longer does."""
        with self._lock:
            _require_timezone(at)
            old = self._states[stream].windows.get(window) if stream in self._states else None
            if old is None or old.state is not WindowState.AWAITING_LABELS:
                return False
            self._states[stream].windows[window] = replace(old, state=WindowState.ACCEPTED, updated_at=at)
            return True

    def has_active_lease(self, stream: str, now: datetime) -> bool:
        """Whether a worker's lease on a window of the stream is active."""
        with self._lock:
            _require_timezone(now)
            leases = self._states[stream].leases.values() if stream in self._states else ()
            return any(lease.until > now for lease in leases)

    def renew(self, claim: Claim, now: datetime, lease_s: float, progress: Progress | None = None) -> bool:
        """Heartbeat: extend the lease; False where the window is not leased under this claim."""
        with self._lock:
            _require_timezone(now)
            if not self._is_leased_under(claim):
                return False
            leases = self._states[claim.stream].leases
            until = now + timedelta(seconds=lease_s)
            leases[claim.window] = Lease(claim.worker, until, progress or leases[claim.window].progress)
            return True

    def release(self, claim: Claim) -> None:
        """End the lease at once; no effect where it is not held under this claim."""
        with self._lock:
            if self._is_leased_under(claim):
                del self._states[claim.stream].leases[claim.window]

    def _is_leased_under(self, claim: Claim) -> bool:
        if self._owner(claim.stream, claim.window) != claim.worker:
            return False
        return self._states[claim.stream].windows[claim.window].claim == claim.number

    def _owner(self, stream: str, window: str) -> str | None:
        lease = self._states[stream].leases.get(window) if stream in self._states else None
        return None if lease is None else lease.owner

    def count_pending(self, stream: str) -> int:
        """How many windows of a stream are pending."""
        return sum(window.state in PENDING for window in self.windows(stream))

    def record_failure(self, claim: Claim, reason: str, at: datetime) -> int:
        """Count a failure of a window; raises LeaseLost where it is not leased under this claim."""
        stream, window = claim.stream, claim.window
        with self._lock:
            _require_timezone(at)
            if not self._is_leased_under(claim):
                raise LeaseLost(
                    f"window {window} of stream {stream!r} is not leased to {claim.worker!r} any more"
                )
            with self._draft_state(stream) as state:
                state.failures[window] = state.failures.get(window, 0) + 1
                state.windows[window] = replace(state.windows[window], reason=reason, updated_at=at)
                self.alerts.record([make_training_failure_alert(claim, reason, at)])
                return state.failures[window]

    def advance(self, transition: Transition) -> Window:
        """Make one legal transition; raises IllegalTransition, LeaseLost or ConcurrentUpdate."""
        check_transition(transition.source, transition.target)
        with self._lock:
            _require_timezone(transition.at)
            self._require_lease(transition)
            with self._draft_state(transition.stream) as state:
                window = update_window(state.windows[transition.window], transition)
                state.windows[window.id] = window
                state.records[window.id] = update_record(
                    state.records.get(window.id, WindowRecord()), transition
                )
                if window.state in PENDING:
                    state.leases[window.id] = replace(state.leases[window.id], progress=None)
                else:
                    del state.leases[window.id]
                add_model_records(state, transition)
                if transition.parent_version is not None:
                    check_parent_version(state, transition.parent_version_before)
                change_aliases(state, transition.alias_changes, transition.parent_version)
                job = state.stream.job
                state.decision_log.append(make_transition_entry(transition, job, __version__))
                if transition.alias_changes:
                    canaries.end_canary_of_moved_alias(state, transition.at, transition.worker)
            for message in transition.messages:
                self._outbox.enqueue(message)
            self.alerts.record(make_transition_alerts(transition))
            return window

    def _require_lease(self, transition: Transition) -> None:
        try:
            current = self.window(transition.stream, transition.window)
        except NotFound:
            raise make_transition_conflict(transition, None, None) from None
        if current.state is not transition.source or not self._is_leased_under(transition.window_claim):
            owner = self._owner(transition.stream, transition.window)
            raise make_transition_conflict(transition, current, owner)

    def window_record(self, stream: str, window: str) -> WindowRecord:
        """Report, plan, result, evaluation and gates of a window; raises NotFound."""
        with self._lock:
            self.window(stream, window)
            return self._states[stream].records.get(window, WindowRecord())

    def drift_reports(self, stream: str, windows: Sequence[str]) -> Mapping[str, DriftReport]:
        """The latest drift report of each of these windows that has one, by window."""
        with self._lock:
            records = self._states[stream].records if stream in self._states else {}
            reports = {window: records[window].report for window in windows if window in records}
            return {window: report for window, report in reports.items() if report is not None}

    # Model --------------------------------------------------------------------------------------

    def branches(self, stream: str) -> Sequence[BranchRecord]:
        """All branches ever grown, in the order they were grown."""
        with self._lock:
            return tuple(self._states[stream].branches) if stream in self._states else ()

    def tasks(self, stream: str) -> Sequence[Task]:
        """All tasks ever opened or refined, in that order."""
        with self._lock:
            return tuple(self._states[stream].tasks) if stream in self._states else ()

    def versions(self, stream: str) -> Sequence[Version]:
        """All versions by number."""
        with self._lock:
            stream_versions = self._states[stream].versions if stream in self._states else ()
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
            with self._draft_state(stream) as state:
                if parent_version is not None and parent_version_before is not None:
                    check_parent_version(state, parent_version_before)
                change_aliases(state, changes, parent_version)
                if changes:
                    state.decision_log.append(make_alias_entry(tuple(changes), state.stream.job, __version__))
                    canaries.end_canary_of_moved_alias(state, changes[0].at, changes[0].actor)
            self._outbox.enqueue(message)
            self.alerts.record(make_promotion_alerts(changes))

    def alias_changes(self, stream: str) -> Sequence[AliasChange]:
        """Every alias change of a stream, oldest first."""
        with self._lock:
            return tuple(self._states[stream].alias_changes) if stream in self._states else ()

    def decision_log(self, stream: str, window: str | None = None) -> Sequence[LogEntry]:
        """Every decision of a stream, or on one window, oldest first."""
        with self._lock:
            entries = self._states[stream].decision_log if stream in self._states else ()
            return tuple(entry for entry in entries if window is None or entry.window == window)

    # Canaries -----------------------------------------------------------------------------------

    def start_canary(
        self, stream: str, version: int | None, share_percent: float, at: datetime, actor: str
    ) -> Canary:
        """Start a canary in place of one that runs; raises NotFound and GrowLearnError."""
        with self._draft_state(stream) as state:
            _require_timezone(at)
            return canaries.start_canary(state, version, share_percent, at, actor)

    def stop_canary(
        self, stream: str, number: int | None, reason: str, at: datetime, actor: str
    ) -> Canary | None:
        """Stop the canary of that number, or the running one; None where it does not run."""
        with self._lock:
            with self._draft_state(stream) as state:
                _require_timezone(at)
                stopped = canaries.stop_canary(state, number, reason, at, actor)
            self.alerts.record(() if stopped is None else make_canary_alerts(stopped))
            return stopped

    def canaries(self, stream: str) -> Sequence[Canary]:
        """All canaries of a stream, oldest first."""
        with self._lock:
            return tuple(self._states[stream].canaries) if stream in self._states else ()

    def running_canaries(self) -> Sequence[Canary]:
        """At most one a stream, by stream."""
        with self._lock:
            return tuple(
                canary for name in sorted(self._states) for canary in self.canaries(name) if canary.is_running
            )

    def add_canary_counts(
        self, canary: Canary, counts: CanaryCounts, answers: Sequence[CanaryAnswer], at: datetime
    ) -> None:
        """Add counts, and answers that wait for labels; nothing happens where the stream is deleted."""
        with self._lock:
            known = {(each.number, each.started_at) for each in self.canaries(canary.stream)}
            if (canary.number, canary.started_at) in known:
                with self._draft_state(canary.stream) as state:
                    canaries.add_canary_counts(state, canary.number, counts, answers, at)

    def count_canary_labels(self, stream: str, labels: Mapping[str, str], at: datetime) -> int:
        """Count the answers whose labels are given, by row id, once; returns how many."""
        with self._draft_state(stream) as state:
            _require_timezone(at)
            return canaries.count_canary_labels(state, labels, at)

    # Outbox and ticks ---------------------------------------------------------------------------

    def pending_messages(self, stream: str | None = None, limit: int = 100) -> Sequence[PendingMessage]:
        """Undelivered messages, oldest first."""
        with self._lock:
            return self._outbox.list_pending(stream, limit)

    def streams_with_messages(self) -> Sequence[str]:
        """The streams that have undelivered messages, by name."""
        with self._lock:
            return tuple(name for name in sorted(self._states) if self._outbox.list_pending(name, 1))

    def claim_outbox(self, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
        """True for the one worker that may deliver a stream's messages to the tracker."""
        with self._lock:
            _require_timezone(now)
            leases = self._states[stream].outbox_lease if stream in self._states else None
            if leases is None or any(lease.owner != worker and lease.until > now for lease in leases):
                return False
            leases[:] = [Lease(worker, now + timedelta(seconds=lease_s))]
            return True

    def release_outbox(self, stream: str, worker: str) -> None:
        """End that lease at once."""
        with self._lock:
            leases = self._states[stream].outbox_lease if stream in self._states else []
            leases[:] = [lease for lease in leases if lease.owner != worker]

    def record_delivery(self, message_id: int, tracker_ids: TrackerIds, at: datetime) -> None:
        """Mark a message delivered, once; the tracker's ids are stored on its window's version."""
        with self._lock:
            _require_timezone(at)
            message = self._outbox.mark_delivered(message_id)
            if message is None:
                return
            state = self._states[message.stream]
            state.versions = [
                _with_tracker_ids(version, tracker_ids) if version.window == message.window else version
                for version in state.versions
            ]

    def record_delivery_failure(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt and keep its reason."""
        with self._lock:
            _require_timezone(at)
            self._outbox.mark_delivery_failed(message_id, reason)

    def enqueue(self, messages: Sequence[Message]) -> None:
        """Queue messages without any other change; raises NotFound."""
        with self._lock:
            for message in messages:
                self.stream(message.stream)
                self._outbox.enqueue(message)

    def record_undeliverable(self, message_id: int, reason: str, at: datetime) -> None:
        """Take a message out of the queue that can never be delivered, and keep the reason."""
        with self._lock:
            _require_timezone(at)
            self._outbox.mark_undeliverable(message_id, reason)

    def undeliverable_messages(self, stream: str) -> Sequence[UndeliverableMessage]:
        """The messages taken out of the queue undelivered, oldest first."""
        with self._lock:
            return self._outbox.list_undeliverable(stream)

    def requeue_undeliverable(self, stream: str) -> None:
        """Put them back into the queue, each in its old place."""
        with self._lock:
            self._outbox.requeue_undeliverable(stream)

    def record_accuracy_estimate(self, stream: str, estimate: AccuracyEstimate) -> None:
        """Store the estimate of a window in place of any earlier one; raises NotFound."""
        with self._lock, self._draft_state(stream) as state:
            state.accuracy_estimates[estimate.window] = estimate

    def accuracy_estimates(self, stream: str) -> Mapping[str, AccuracyEstimate]:
        """The estimates of a stream by window id, in the order of the windows."""
        with self._lock:
            found = self._states[stream].accuracy_estimates if stream in self._states else {}
            return {window: found[window] for window in sorted(found, key=parse_window_number)}

    def outdated_estimates(self, stream: str, max_rows: int) -> Sequence[AccuracyEstimate]:
        """Those compared with fewer labels than their window has now, and with less than `max_rows`."""
        with self._lock:
            windows = self._states[stream].windows if stream in self._states else {}
            return tuple(
                estimate
                for estimate in self.accuracy_estimates(stream).values()
                if estimate.known_rows < min(windows[estimate.window].labelled or 0, max_rows)
            )

    def record_removed_files(self, stream: str, digests: Sequence[str], at: datetime) -> None:
        """Note files that retention removes; raises NotFound."""
        with self._lock, self._draft_state(stream) as state:
            _require_timezone(at)
            state.removed_files.update(dict.fromkeys(digests, at))

    def removed_files(self, stream: str) -> Mapping[str, datetime]:
        """When each file was removed, by its sha256."""
        with self._lock:
            return dict(self._states[stream].removed_files) if stream in self._states else {}

    def claim_ticks(self, due: Mapping[str, datetime]) -> frozenset[str]:
        """The streams of which this scheduler may dispatch the tick."""
        with self._lock:
            for due_at in due.values():
                _require_timezone(due_at)
            claimed = [
                name
                for name, due_at in due.items()
                if name in self._states and due_at not in self._states[name].ticks
            ]
            for name in claimed:
                self._states[name].ticks.append(due[name])
            return frozenset(claimed)

    def last_tick(self, stream: str) -> datetime | None:
        """When the latest claimed tick was due."""
        with self._lock:
            return max(self._states[stream].ticks, default=None) if stream in self._states else None


def _require_timezone(at: datetime) -> None:
    if at.utcoffset() is None:
        raise GrowLearnError(f"time {at.isoformat()} has no zone", hint="use aware UTC times")


def _with_tracker_ids(version: Version, tracker_ids: TrackerIds) -> Version:
    return replace(
        version,
        mlflow_run=tracker_ids.run_id or version.mlflow_run,
        mlflow_version=tracker_ids.model_version or version.mlflow_version,
    )
