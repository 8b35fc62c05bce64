"""A window, and the one table of legal moves between its states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from growlearn.domain.errors import IllegalTransition
from growlearn.domain.labels import Joining


class WindowState(StrEnum):
    """Where a window stands."""

    DISCOVERED = "discovered"  # open: rows are still being gathered
    ACCEPTED = "accepted"  # snapshot stored
    QUARANTINED = "quarantined"
    JUDGED = "judged"
    WAITING = "waiting"  # to be grown from once enough of its rows have labels
    SETTLED = "settled"  # nothing to grow
    GROWING = "growing"
    EVALUATED = "evaluated"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    HELD = "held"  # waits for a person to promote it


class Verdict(StrEnum):
    """What the drift stage said of a window; of one without rows, why there is one."""

    FIRST = "first"
    STABLE = "stable"
    WARN = "warn"
    DRIFT = "drift"
    NEW_TASK = "new task"
    KNOWN_TASK = "known task"
    CANNOT_JUDGE = "cannot judge"
    FULL = "full"  # the model has reached its branch budget: this window consolidates it

    @property
    def calls_for_growth(self) -> bool:
        """Whether a new branch is wanted."""
        return self in (Verdict.FIRST, Verdict.DRIFT, Verdict.NEW_TASK)


_S = WindowState
TRANSITIONS: dict[WindowState, tuple[WindowState, ...]] = {
    _S.DISCOVERED: (_S.ACCEPTED, _S.QUARANTINED),
    _S.ACCEPTED: (_S.JUDGED,),
    _S.JUDGED: (_S.SETTLED, _S.GROWING, _S.WAITING),
    _S.WAITING: (_S.ACCEPTED,),
    _S.GROWING: (_S.EVALUATED, _S.REJECTED),
    _S.EVALUATED: (_S.PROMOTED, _S.REJECTED, _S.HELD),
    _S.QUARANTINED: (),
    _S.SETTLED: (),
    _S.PROMOTED: (),
    _S.REJECTED: (),
    _S.HELD: (),
}
"""Every legal move; what is not here cannot happen."""

PENDING = (_S.ACCEPTED, _S.JUDGED, _S.GROWING, _S.EVALUATED)
"""States from which a worker has something to do."""


BEGUN = (_S.EVALUATED, _S.GROWING, _S.JUDGED)
"""Pending states of windows that are begun, the furthest first."""


def turn(window: Window) -> tuple[bool, int, int]:
    """The least of a stream's pending windows is handled next.

    First the one that makes room for all others, then those begun, the furthest first: a window woken by its
    labels, whatever its number, waits for one that is being grown. Then by number.
    """
    begun = BEGUN.index(window.state) if window.state in BEGUN else len(BEGUN)
    return window.verdict is not Verdict.FULL, begun, window.number


def check_transition(source: WindowState, target: WindowState) -> None:
    """Raise IllegalTransition unless the table leads from source to target."""
    if target not in TRANSITIONS[source]:
        legal = ", ".join(TRANSITIONS[source]) or "nowhere: it is final"
        raise IllegalTransition(f"a window cannot go from {source} to {target}; it goes to {legal}")


@dataclass(frozen=True, kw_only=True)
class Window:
    """The rows handled together; `id` is w1, w2, ... in the order the stream met them.

    `snapshot` is the sha256 of the stored Parquet; `source` says which file or files it came from.
    `labelled` counts its rows whose label is known (None: not counted). A window that waits was judged
    against the version `judged_by` and is looked at again once `wanted` of its rows have labels.
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
    wanted: int | None = None
    judged_by: int | None = None

    @property
    def id(self) -> str:
        """w1, w2, ...: unique in its stream."""
        return f"w{self.number}"

    @property
    def lacking(self) -> int | None:
        """How many labels it waits for; None where it does not wait."""
        if self.state is not WindowState.WAITING:
            return None
        return max(0, (self.wanted or 0) - (self.labelled or 0))


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file as a source lists it; `fingerprint` changes when its content may have changed."""

    url: str
    fingerprint: str
    size_bytes: int
    refused: str | None = None  # why it must not be opened, as for a link out of the folder


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that was kept out, by its place in the file (from 0), why, and of which window."""

    row: int
    reason: str
    window: str | None = None


@dataclass(frozen=True, kw_only=True)
class SeenFile:
    """A file as it was taken in: `rows` good ones, under the schema of digest `schema`.

    `windows` are those its rows went to, quarantined ones too.
    """

    url: str
    fingerprint: str
    sha256: str | None
    schema: str
    rows: int
    windows: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class IngestedFile:
    """What one file became: windows opened, filled or quarantined, and rows kept out.

    `schema` is the digest of the schema it was read by, `rows` the number of its good rows. The store
    writes it in one transaction, so that a file is taken in once or not at all. `filled` are the open
    windows that took rows, as they stood before: where one stands otherwise by then, another process
    has added rows to it, and nothing is written. `before` are the windows that hold its rows already,
    where the file was only touched. `joining` says which labels were joined to rows by key, where the
    stream has one; `note` what a person should know of that.
    """

    stream: str
    file: SourceFile
    sha256: str | None
    schema: str
    rows: int
    windows: tuple[Window, ...]
    bad_rows: tuple[BadRow, ...]
    at: datetime
    filled: tuple[Window, ...] = ()
    before: tuple[str, ...] = ()
    joining: Joining | None = None
    note: str | None = None

    @property
    def seen(self) -> SeenFile:
        """What is remembered of the file."""
        return SeenFile(
            url=self.file.url,
            fingerprint=self.file.fingerprint,
            sha256=self.sha256,
            schema=self.schema,
            rows=self.rows,
            windows=(*self.before, *(window.id for window in self.windows)),
        )
