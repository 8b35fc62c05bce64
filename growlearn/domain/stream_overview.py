"""What a look over all streams needs of each, so that the store answers it in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from growlearn.domain.job import Schedule
from growlearn.domain.validation import parse_duration_s
from growlearn.domain.window import Verdict, WindowState


@dataclass(frozen=True, kw_only=True)
class StreamSchedule:
    """When a stream is due; `last_tick` is when its latest claimed tick was."""

    name: str
    created_at: datetime
    schedule: Schedule
    last_tick: datetime | None
    is_paused: bool = False


@dataclass(frozen=True, kw_only=True)
class StreamWork:
    """What may call a worker to a stream: a tick, or pending windows."""

    name: str
    last_tick: datetime | None
    has_pending_windows: bool
    is_paused: bool = False


@dataclass(frozen=True, kw_only=True)
class StreamArrival:
    """When a stream's last new file was ingested, or else it was created, and how long it may be silent."""

    name: str
    last_at: datetime
    silent_after: str

    def is_silent(self, now: datetime) -> bool:
        """Whether its next file is overdue."""
        return (now - self.last_at).total_seconds() >= parse_duration_s(self.silent_after)


@dataclass(frozen=True, kw_only=True)
class LatestVerdict:
    """The verdict on a stream's newest window that has one, and where that window stands."""

    window: str
    verdict: Verdict
    state: WindowState


@dataclass(frozen=True, kw_only=True)
class StreamStatus:
    """Where a stream stands; counts are of windows, but for the two of labels.

    `labels_missing` are those that the windows awaiting labels still need, `pending_labels` those whose rows
    have not arrived. `looked_at` is when its source was last searched for new files. `accuracy` is the
    champion's average accuracy.
    """

    name: str
    schedule: Schedule
    looked_at: datetime | None
    champion: int | None
    challenger: int | None
    has_id_column: bool
    has_windows: bool
    has_active_lease: bool
    pending: int
    awaiting_labels: int
    labels_missing: int
    pending_labels: int
    is_paused: bool = False
    accuracy: float | None = None
    latest: LatestVerdict | None = None
