"""Over all streams in memory: what a scheduler, a worker and `status` look at again and again."""

from __future__ import annotations

from datetime import datetime

from growlearn.adapters.memory.state import StreamState
from growlearn.domain.stream_overview import (
    LatestVerdict,
    StreamArrival,
    StreamSchedule,
    StreamStatus,
    StreamWork,
)
from growlearn.domain.window import PENDING, WindowState
from growlearn.domain.window_progress import WindowProgress


def make_schedule(state: StreamState) -> StreamSchedule:
    """When a stream is due."""
    stream = state.stream
    return StreamSchedule(
        name=stream.name,
        created_at=stream.created_at,
        schedule=stream.job.schedule,
        last_tick=max(state.ticks, default=None),
        is_paused=stream.paused_at is not None,
    )


def make_work(state: StreamState) -> StreamWork:
    """What may call a worker to a stream."""
    return StreamWork(
        name=state.stream.name,
        last_tick=max(state.ticks, default=None),
        has_pending_windows=_count_pending(state) > 0,
        is_paused=state.stream.paused_at is not None,
    )


def list_progress(state: StreamState, now: datetime) -> list[WindowProgress]:
    """The windows of a stream under an unexpired lease."""
    windows = [(state.windows[window], lease) for window, lease in state.leases.items() if lease.until > now]
    return [
        WindowProgress(
            stream=window.stream,
            window=window.id,
            state=window.state,
            since=window.updated_at,
            worker=lease.owner,
            progress=lease.progress,
        )
        for window, lease in windows
        if window.state in PENDING
    ]


def find_arrival(state: StreamState) -> StreamArrival | None:
    """When the last file of a stream arrived; None where it is paused or none is expected."""
    stream = state.stream
    if stream.job.silent_after is None or stream.paused_at is not None:
        return None
    return StreamArrival(
        name=stream.name,
        last_at=state.last_file_at or stream.created_at,
        silent_after=stream.job.silent_after,
    )


def make_status(state: StreamState, now: datetime) -> StreamStatus:
    """Where a stream stands."""
    stream = state.stream
    awaiting = [window for window in state.windows.values() if window.state is WindowState.AWAITING_LABELS]
    return StreamStatus(
        name=stream.name,
        schedule=stream.job.schedule,
        looked_at=stream.looked_at,
        champion=stream.champion,
        challenger=stream.challenger,
        has_id_column=stream.job.schema.id_column is not None,
        has_windows=bool(state.windows),
        has_active_lease=any(lease.until > now for lease in state.leases.values()),
        pending=_count_pending(state),
        awaiting_labels=len(awaiting),
        labels_missing=sum(window.labels_missing or 0 for window in awaiting),
        pending_labels=sum(pending.labels for pending in state.pending_labels),
        is_paused=stream.paused_at is not None,
        accuracy=next(
            (version.average_accuracy for version in state.versions if version.number == stream.champion),
            None,
        ),
        latest=_find_latest_verdict(state),
    )


def _find_latest_verdict(state: StreamState) -> LatestVerdict | None:
    judged = [window for window in state.windows.values() if window.verdict is not None]
    newest = max(judged, key=lambda window: window.number, default=None)
    if newest is None or newest.verdict is None:
        return None
    return LatestVerdict(window=newest.id, verdict=newest.verdict, state=newest.state)


def _count_pending(state: StreamState) -> int:
    return sum(window.state in PENDING for window in state.windows.values())
