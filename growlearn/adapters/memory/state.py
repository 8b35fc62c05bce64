"""What the in-memory store holds about each stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from threading import RLock
from typing import Any

from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.canary import Canary, CanaryAnswer
from growlearn.domain.decision_log import LogEntry
from growlearn.domain.delayed_labels import LabelJoinRecord, PendingLabels
from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.domain.growth import Progress
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.stream import AliasChange, Stream, WindowRecord
from growlearn.domain.window import BadRow, FileRecord, Window


@dataclass(frozen=True)
class HeldLease:
    """The worker that handles a window, the end of its lease unless renewed, and the progress of its work."""

    owner: str
    until: datetime
    progress: Progress | None = None


@dataclass
class StreamState:
    """Everything stored about one stream."""

    stream: Stream
    ingested_files: list[FileRecord] = field(default_factory=list)
    last_file_at: datetime | None = None
    windows: dict[str, Window] = field(default_factory=dict)
    bad_rows: dict[str, tuple[BadRow, ...]] = field(default_factory=dict)
    pending_labels: list[PendingLabels] = field(default_factory=list)
    label_joins: list[LabelJoinRecord] = field(default_factory=list)
    leases: dict[str, HeldLease] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    outbox_lease: list[HeldLease] = field(default_factory=list)  # one or none
    records: dict[str, WindowRecord] = field(default_factory=dict)
    branches: list[BranchRecord] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    alias_changes: list[AliasChange] = field(default_factory=list)
    decision_log: list[LogEntry] = field(default_factory=list)
    ticks: list[datetime] = field(default_factory=list)
    removed_files: dict[str, datetime] = field(default_factory=dict)
    accuracy_estimates: dict[str, AccuracyEstimate] = field(default_factory=dict)
    canaries: list[Canary] = field(default_factory=list)
    canary_answers: dict[tuple[int, str], CanaryAnswer] = field(default_factory=dict)

    def copy(self) -> StreamState:
        """A copy whose changes do not affect this one."""
        parts = {attribute.name: getattr(self, attribute.name) for attribute in fields(self)}
        copies: dict[str, Any] = {
            name: part.copy() if isinstance(part, dict | list) else part for name, part in parts.items()
        }
        return StreamState(**copies)


class StreamStates:
    """The states of all streams by name, under one lock."""

    def __init__(self, states: Iterable[StreamState]) -> None:
        self.lock = RLock()
        self._by_name = {state.stream.name: state for state in states}

    def __contains__(self, stream: object) -> bool:
        """Whether there is a stream of that name."""
        return stream in self._by_name

    def list_all(self) -> Sequence[StreamState]:
        """The state of every stream, in the order of their names."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def find(self, stream: str) -> StreamState | None:
        """The state of a stream, None where there is no such stream."""
        return self._by_name.get(stream)

    def get(self, stream: str) -> StreamState:
        """The state of a stream; raises NotFound."""
        if stream not in self._by_name:
            known = ", ".join(sorted(self._by_name)) or "none"
            raise NotFound(f"there is no stream {stream!r}", hint=f"known streams: {known}")
        return self._by_name[stream]

    @contextmanager
    def draft(self, stream: str) -> Iterator[StreamState]:
        """A copy of a stream's state, stored at the end unless an error is raised; raises NotFound."""
        with self.lock:
            draft = self.get(stream).copy()
            yield draft
            self._by_name[stream] = draft

    def add(self, state: StreamState) -> None:
        """Add the state of a new stream."""
        self._by_name[state.stream.name] = state

    def remove(self, stream: str) -> None:
        """Remove that of a stream; raises NotFound."""
        self.get(stream)
        del self._by_name[stream]


def require_timezone(at: datetime) -> None:
    """Raise GrowLearnError for a time that a database would refuse."""
    if at.utcoffset() is None:
        raise GrowLearnError(f"time {at.isoformat()} has no zone", hint="use aware UTC times")
