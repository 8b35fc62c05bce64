"""A window, and the one table of legal transitions between its states."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from growlearn.domain.delayed_labels import LabelJoinResult
from growlearn.domain.errors import ConcurrentUpdate, IllegalTransition
from growlearn.domain.printable import format_reason

_WINDOW_ID = re.compile(r"w([1-9][0-9]{0,8})")
_NO_WINDOW = -1
BUG_REASON = "given up because of a bug"
"""How the reason of a window begins whose step met a bug again and again."""


def tells_of_bug(reason: str | None) -> bool:
    """Whether a window's reason is that a step met a bug again and again."""
    return (reason or "").startswith(BUG_REASON)


class WindowState(StrEnum):
    """The processing state of a window."""

    OPEN = "open"  # rows are still being accumulated
    ACCEPTED = "accepted"  # snapshot stored
    QUARANTINED = "quarantined"
    JUDGED = "judged"
    AWAITING_LABELS = "awaiting_labels"  # grows once enough of its rows have labels
    SKIPPED = "skipped"  # nothing was grown
    GROWING = "growing"
    EVALUATED = "evaluated"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    PENDING_APPROVAL = "pending_approval"  # a person has to promote it


class Verdict(StrEnum):
    """The drift stage's verdict on a window; for one without rows, why it exists."""

    FIRST = "first"
    STABLE = "stable"
    WARN = "warn"
    DRIFT = "drift"
    NEW_TASK = "new task"
    KNOWN_TASK = "known task"
    INCONCLUSIVE = "inconclusive"
    FULL = "full"  # the model has reached max_branches: this window consolidates it

    @property
    def needs_growth(self) -> bool:
        """Whether a new branch is needed."""
        return self in (Verdict.FIRST, Verdict.DRIFT, Verdict.NEW_TASK)


_S = WindowState
TRANSITIONS: dict[WindowState, tuple[WindowState, ...]] = {
    _S.OPEN: (_S.ACCEPTED, _S.QUARANTINED),
    _S.ACCEPTED: (_S.JUDGED, _S.QUARANTINED),
    _S.JUDGED: (_S.SKIPPED, _S.GROWING, _S.AWAITING_LABELS),
    _S.AWAITING_LABELS: (_S.ACCEPTED,),
    _S.GROWING: (_S.EVALUATED, _S.REJECTED),
    _S.EVALUATED: (_S.PROMOTED, _S.REJECTED, _S.PENDING_APPROVAL),
    _S.QUARANTINED: (),
    _S.SKIPPED: (),
    _S.PROMOTED: (),
    _S.REJECTED: (),
    _S.PENDING_APPROVAL: (),
}
"""Every legal transition; no other can happen."""

PENDING = (_S.ACCEPTED, _S.JUDGED, _S.GROWING, _S.EVALUATED)
"""States in which a worker has something to do."""

MATCHED_VERDICTS = (Verdict.STABLE, Verdict.WARN, Verdict.KNOWN_TASK)
"""Of windows whose rows belong to a task that is known."""

IN_PROGRESS = (_S.EVALUATED, _S.GROWING, _S.JUDGED)
"""Pending states of windows in progress, the furthest first."""


def queue_priority(window: Window) -> tuple[bool, int, int]:
    """Sort key of a stream's pending windows: the smallest is processed next.

    First a consolidation, which makes room for all others, then windows in progress, the furthest first: a
    window requeued by its labels, whatever its number, waits for one that is being grown. Then by number.
    """
    progress_rank = IN_PROGRESS.index(window.state) if window.state in IN_PROGRESS else len(IN_PROGRESS)
    return window.verdict is not Verdict.FULL, progress_rank, window.number


def check_transition(source: WindowState, target: WindowState) -> None:
    """Raise IllegalTransition unless the table leads from source to target."""
    if target not in TRANSITIONS[source]:
        legal = ", ".join(TRANSITIONS[source]) or "nowhere: it is final"
        raise IllegalTransition(f"a window cannot go from {source} to {target}; it goes to {legal}")


@dataclass(frozen=True, kw_only=True)
class Window:
    """The rows processed together; `id` is w1, w2, ... in order of arrival.

    `snapshot` is the sha256 of the stored Parquet; `source` names the file or files it came from. `labelled`
    counts its rows with a known label (None: not counted). A window that waits for labels was judged against
    the version `judged_by_version` and is judged again once `labels_required` of its rows have labels.
    `claim` counts how often a worker has claimed it.
    """

    stream: str
    number: int
    state: WindowState
    source: str
    discovered_at: datetime
    updated_at: datetime
    rows: int = 0
    quarantined_rows: int = 0
    snapshot: str | None = None
    task: str | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    labelled: int | None = None
    labels_required: int | None = None
    judged_by_version: int | None = None
    claim: int = 0

    def __post_init__(self) -> None:
        if self.reason is not None:  # it names files, columns and cells that anyone may have written
            object.__setattr__(self, "reason", format_reason(self.reason))

    @property
    def id(self) -> str:
        """w1, w2, ...: unique in its stream."""
        return f"w{self.number}"

    @property
    def labels_missing(self) -> int | None:
        """How many labels it still needs; None where it does not wait for labels."""
        if self.state is not WindowState.AWAITING_LABELS:
            return None
        return max(0, (self.labels_required or 0) - (self.labelled or 0))

    @property
    def met_bug(self) -> bool:
        """Whether it was given up because a step met a bug again and again, which its rows may cause."""
        return tells_of_bug(self.reason)

    def claimed_by(self, worker: str) -> Claim:
        """The claim that this window was leased under."""
        return Claim(stream=self.stream, window=self.id, worker=worker, number=self.claim)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One worker's right to write about one window, until its lease expires and another worker claims it.

    `number` is a fencing token: each claim of a window has the next higher one, and what a worker writes
    under an older one is refused, however long that worker was paused.
    """

    stream: str
    window: str
    worker: str
    number: int


def parse_window_number(window: str) -> int:
    """A window's number by its id; -1, which no window has, for text that is no window id.

    >>> parse_window_number("w12"), parse_window_number("window 12")
    (12, -1)
    """
    match = _WINDOW_ID.fullmatch(window)
    return _NO_WINDOW if match is None else int(match[1])


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file as a source lists it; `fingerprint` changes when its content may have changed.

    One that is `taken_once` gives rows once, whatever its fingerprint: where two processes read its url to
    different ends, the first that is recorded counts.
    """

    url: str
    fingerprint: str
    size_bytes: int
    reject_reason: str | None = None  # why it must not be opened, such as a link out of the folder
    taken_once: bool = False


def check_can_extend(old: Window, new: Window, extended_windows: tuple[Window, ...]) -> None:
    """Raise ConcurrentUpdate or IllegalTransition unless a stored window may take more rows.

    `extended_windows` are the stored windows as the process read them that adds the rows.
    """
    expected = {window.number: window for window in extended_windows}.get(old.number, old)
    if expected != old or old.state is not WindowState.OPEN or old.discovered_at != new.discovered_at:
        raise ConcurrentUpdate(
            f"window {old.id} of stream {old.stream!r} was written by another process meanwhile"
        )
    if new.state is not old.state:
        check_transition(old.state, new.state)


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A rejected row: its index in the file (from 0), the reason, and the window."""

    row: int
    reason: str
    window: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", format_reason(self.reason))


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """An ingested file: its number of valid `rows`, and the digest of the schema it was read with.

    `windows` are those with its rows, quarantined ones too.
    """

    url: str
    fingerprint: str
    sha256: str | None
    schema: str
    rows: int
    windows: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class IngestResult:
    """The result of ingesting one file: windows opened, extended or quarantined, and rejected rows.

    `schema` is the digest of the schema it was read with, `rows` the number of its valid rows. The store
    writes it in one transaction, so a file is ingested once or not at all. `extended_windows` are the open
    windows that took rows, as they were before: where one has changed since, another process added rows to
    it, and the store writes nothing. `previous_windows` are the windows that already hold its rows, where the
    file was only touched. `label_join` says which labels were joined to rows by row id, where the stream has
    an id column; `note` is what a person should know about that.
    """

    stream: str
    file: SourceFile
    sha256: str | None
    schema: str
    rows: int
    windows: tuple[Window, ...]
    bad_rows: tuple[BadRow, ...]
    at: datetime
    extended_windows: tuple[Window, ...] = ()
    previous_windows: tuple[str, ...] = ()
    label_join: LabelJoinResult | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if self.note is not None:
            object.__setattr__(self, "note", format_reason(self.note))

    @property
    def file_record(self) -> FileRecord:
        """The record of the file."""
        return FileRecord(
            url=self.file.url,
            fingerprint=self.file.fingerprint,
            sha256=self.sha256,
            schema=self.schema,
            rows=self.rows,
            windows=(*self.previous_windows, *(window.id for window in self.windows)),
        )
