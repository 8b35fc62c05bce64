"""One file being taken in, and the windows that may be made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import count

from growlearn.domain.labels import Joining
from growlearn.domain.schema import Schema
from growlearn.domain.stream import Stream
from growlearn.domain.window import BadRow, SourceFile, Window, WindowState
from growlearn.ingest.flaws import Flaws, summary
from growlearn.ingest.rows import Rows, to_parquet
from growlearn.ports import Artifacts


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Everything a new window is made from: the file, the stream, and the windows it has so far.

    `note` is what a person should know of the file; `numbers` counts on from the last window.
    """

    stream: Stream
    file: SourceFile
    windows: Sequence[Window]
    artifacts: Artifacts
    at: datetime
    numbers: Iterator[int]
    note: str | None = None

    @property
    def schema(self) -> Schema:
        """The columns of the stream."""
        return self.stream.job.schema


def start_intake(
    stream: Stream, file: SourceFile, windows: Sequence[Window], artifacts: Artifacts, at: datetime
) -> Intake:
    """An intake whose windows are numbered on from the highest there is."""
    last = max((window.number for window in windows), default=0)
    return Intake(
        stream=stream, file=file, windows=windows, artifacts=artifacts, at=at, numbers=count(last + 1)
    )


def new_window(intake: Intake, task: str | None = None) -> Window:
    """The next window of the stream, empty and open."""
    return Window(
        stream=intake.stream.name,
        number=next(intake.numbers),
        state=WindowState.DISCOVERED,
        source=intake.file.url,
        discovered_at=intake.at,
        updated_at=intake.at,
        task=task,
    )


def quarantined(window: Window, reason: str, rows: int) -> Window:
    """The window set apart, with how many rows are kept out by it."""
    return replace(
        window, state=WindowState.QUARANTINED, rows=0, quarantined_rows=rows, snapshot=None, labelled=None,
        reason=reason,
    )  # fmt: skip


@dataclass(frozen=True)
class Made:
    """Windows a batch of rows opened, filled or closed, and the rows of it that were kept out.

    `before` are the windows, by id, that held the rows already; `joining` and `note` are about labels that
    came apart from their rows.
    """

    windows: tuple[Window, ...]
    bad_rows: tuple[BadRow, ...]
    rows: int
    before: tuple[str, ...] = ()
    joining: Joining | None = None
    note: str | None = None


def without_rows(window: Window, flaws: Flaws) -> Window:
    """The window of rows none of which can be used."""
    return quarantined(window, f"no usable row: {summary(flaws.values())}", len(flaws))


def accepted(intake: Intake, window: Window, rows: Rows, flaws: Flaws) -> Window:
    """The window with its snapshot stored, or quarantined where an earlier window holds the same rows.

    `window.quarantined_rows` already counts the flaws.
    """
    content = to_parquet(rows, intake.schema)
    twin = _twin(intake.windows, sha256(content).hexdigest())
    if twin is not None:
        where = twin.source.rpartition("/")[2]
        kept_out = window.quarantined_rows + len(rows)
        return quarantined(window, f"same rows as window {twin.id} ({where})", kept_out)
    return replace(
        window,
        state=WindowState.ACCEPTED,
        rows=len(rows),
        labelled=rows.label_count,
        snapshot=intake.artifacts.put(content),
        reason=told(summary(flaws.values()) if flaws else None, intake.note),
    )


def told(*parts: str | None) -> str | None:
    """What there is to say of a window, or None."""
    return "; ".join(_given(parts)) or None


def _given(parts: Iterable[str | None]) -> list[str]:
    return [part for part in parts if part]


def may_come_again(window: Window) -> bool:
    """Whether the same rows may be sent again: nothing was learned from them, though something was to be."""
    if window.state is WindowState.SETTLED:
        return window.verdict is not None and window.verdict.calls_for_growth
    return window.state in (WindowState.QUARANTINED, WindowState.REJECTED)


def _twin(windows: Sequence[Window], snapshot: str) -> Window | None:
    same = (w for w in windows if w.snapshot == snapshot and not may_come_again(w))
    return next(same, None)
