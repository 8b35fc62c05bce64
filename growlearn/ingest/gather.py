"""Rows of successive files, gathered until a window has as many as the job asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.window import Window, WindowState
from growlearn.ingest.batches import Batch
from growlearn.ingest.duplicates import identity
from growlearn.ingest.flaws import Flaw, Flaws, bad_rows, summary
from growlearn.ingest.intake import Intake, Made, accepted, new_window, quarantined, told, without_rows
from growlearn.ingest.rows import Rows, concat, from_parquet, to_parquet


def gather(intake: Intake, batch: Batch, size: int) -> Made:
    """Add one task's rows to its open window; cut full windows off; what is left stays open.

    Rows that the open window holds already are kept out too; all kept-out rows count in the first
    window the file touches. Raises UnreadableFile where the labels are of another kind than those of
    the open window.
    """
    touched: list[Window] = []
    window = _open_window(intake, batch.task)
    held = None
    if window is not None:
        held = _held(intake, window)
        if held is None:
            reason = "the schema changed while its rows were being gathered"
            touched.append(quarantined(replace(window, updated_at=intake.at), reason, window.rows))
            window = None
    rows, repeated = _without_repeats(batch, held, window)
    flaws = batch.flaws | repeated
    if len(rows) == 0:
        empty = without_rows(new_window(intake, batch.task), flaws)
        return Made((*touched, empty), bad_rows(flaws, empty.id), 0)
    first = len(touched)
    for part in _parts(rows if held is None else concat([held, rows]), size):
        opened = new_window(intake, batch.task) if window is None else _continued(window, intake)
        counted = flaws if len(touched) == first else {}
        opened = replace(opened, quarantined_rows=opened.quarantined_rows + len(counted))
        touched.append(_filled(intake, opened, part, counted, size))
        window = None
    return Made(tuple(touched), bad_rows(flaws, touched[first].id), len(rows))


def _open_window(intake: Intake, task: str | None) -> Window | None:
    is_open = (w for w in reversed(intake.windows) if w.state is WindowState.DISCOVERED and w.task == task)
    return next(is_open, None)


def _held(intake: Intake, window: Window) -> Rows | None:
    """Rows of an open window; None where they were stored under another schema."""
    assert window.snapshot is not None  # an open window is written with its first rows
    content = intake.artifacts.get(window.snapshot)
    try:
        return from_parquet(content, intake.schema)
    except (KeyError, ValueError):
        return None


def _without_repeats(batch: Batch, held: Rows | None, window: Window | None) -> tuple[Rows, Flaws]:
    if held is None or window is None or len(batch.rows) == 0:
        return batch.rows, {}
    kinds = [{type(label) for label in rows.labels if label is not None} for rows in (held, batch.rows)]
    if len(kinds[0] | kinds[1]) > 1:
        raise UnreadableFile(
            f"labels are {_kind(kinds[1])} here and {_kind(kinds[0])} in {window.id}, still being filled"
        )
    named = batch.rows.ids is not None  # then rows of other inputs may be the same
    common = np.isin(batch.rows.keys, held.keys) | named
    known = {identity(held, int(row)) for row in np.flatnonzero(np.isin(held.keys, batch.rows.keys) | named)}
    fresh = np.array(
        [not common[row] or identity(batch.rows, row) not in known for row in range(len(batch.rows))],
        dtype=bool,
    )
    flaw = Flaw("duplicate", f" of a row in window {window.id}")
    return batch.rows.take(fresh), {int(place): flaw for place in batch.places[~fresh]}


def _kind(kinds: set[type]) -> str:
    return "text" if str in kinds else "integers"


def _parts(rows: Rows, size: int) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows.take(np.arange(start, min(start + size, len(rows))))


def _continued(window: Window, intake: Intake) -> Window:
    """An open window about to take rows of one more file; its source names the first and the last."""
    first = window.source.split(" ... ")[0]
    return replace(window, source=f"{first} ... {intake.file.url}", updated_at=intake.at)


def _filled(intake: Intake, window: Window, rows: Rows, flaws: Flaws, size: int) -> Window:
    if len(rows) == size:
        return accepted(intake, window, rows, flaws)
    reason = told(f"{len(rows)} of {size} rows", summary(flaws.values()) if flaws else None, intake.note)
    snapshot = intake.artifacts.put(to_parquet(rows, intake.schema))
    return replace(window, rows=len(rows), labelled=rows.label_count, snapshot=snapshot, reason=reason)
