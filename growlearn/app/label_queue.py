"""The rows most worth labelling among those that await labels, as a table for the person who labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from growlearn.app.predict_file import LoadPredictor, check_table_path
from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.locations import get_local_path
from growlearn.domain.stream import Stream
from growlearn.domain.window import Window, WindowState
from growlearn.growth.label_delay import can_wait
from growlearn.ingest.rows import Column, Rows, concat_rows, from_parquet
from growlearn.ingest.source_file import to_source_table
from growlearn.ports import Artifacts, Store
from growlearn.registry.version_tree import get_version
from growlearn.serving.label_queue import QueueReason, RatedRows, rate_rows
from growlearn.serving.predictor import Predictor

INPUT_PREFIX = "input_"
"""Of the inputs' columns: under their own names the file would be one of new rows, and no label file."""
_MAX_RATED_ROWS = 20_000  # where more await labels, the least sure ones of a sample do


@dataclass(frozen=True, eq=False)
class LabelQueue:
    """A table with the id, an empty label column and what the labeller should see.

    `total` is how many unlabelled rows were rated: of the windows that wait, then of the newest.
    """

    table: Any  # pyarrow.Table
    total: int


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Unlabelled rows of one window; `waits`: the window is trained on once it has labels."""

    window: str
    waits: bool
    rows: Rows


def build_label_queue(
    store: Store,
    artifacts: Artifacts,
    name: str,
    now: datetime,
    max_rows: int,
    load_predictor: LoadPredictor,
    *,
    at_random: bool = False,
) -> LabelQueue:
    """Choose at most `max_rows` rows without labels: of windows that wait for labels first.

    Within them come the rows that the champion is least sure of; `at_random`, any rows, the same ones each
    time. Raises GrowLearnError for a stream without an id column, or where no row awaits a label.
    """
    stream = store.stream(name)
    if stream.job.schema.id_column is None:
        raise GrowLearnError(
            f"stream {name!r} has no id column, so labels that come later cannot find their rows",
            hint="name one in the job file: schema.id_column",
        )
    candidates = _collect(stream, store.windows(name), artifacts, now, max_rows)
    if not candidates:
        raise GrowLearnError(
            f"no row of stream {name!r} awaits a label", hint=f"see: growlearn windows {name}"
        )
    rows = concat_rows([part.rows for part in candidates])
    rated = rate_rows(_load_champion(store, stream, artifacts, load_predictor), rows)
    order = np.random.default_rng(0).permutation(len(rows)) if at_random else rated.order()
    waits = np.repeat([part.waits for part in candidates], [len(part.rows) for part in candidates])
    chosen = order[np.argsort(~waits[order], kind="stable")][:max_rows]
    if at_random:
        rated.reason[:] = QueueReason.RANDOM
    windows = np.repeat([part.window for part in candidates], [len(part.rows) for part in candidates])
    return LabelQueue(_make_table(stream, rows, rated, windows, chosen), len(rows))


def check_out_path(stream: Stream, out: Path) -> None:
    """Raise GrowLearnError for a name of no table format, or a file in the source's folder.

    There it would be read before it has labels.
    """
    check_table_path(out)
    folder = get_local_path(stream.job.source.url)
    if folder is not None and out.resolve().is_relative_to(Path(folder).resolve()):
        raise GrowLearnError(
            f"--out {out} is in the folder of the source, and would be read before anybody has labelled it",
            hint="write it elsewhere, and move it there once it has labels",
        )


def _load_champion(
    store: Store, stream: Stream, artifacts: Artifacts, load_predictor: LoadPredictor
) -> Predictor | None:
    if stream.champion is None:
        return None
    return load_predictor(get_version(store.versions(stream.name), stream.champion).manifest, artifacts.get)


def _collect(
    stream: Stream, windows: Sequence[Window], artifacts: Artifacts, now: datetime, max_rows: int
) -> list[_Candidates]:
    """Unlabelled rows of the windows that wait, then of the newest others, until there are 20,000.

    Of a window with more of them so many are taken, chosen at random.
    """
    found, num_wanted = list[_Candidates](), max(max_rows, _MAX_RATED_ROWS)
    for window in _sort_windows(stream, windows, now):
        rows = _load_unlabelled(stream, window, artifacts)
        if rows is not None:
            rows = rows.sample(num_wanted)
            found.append(_Candidates(window.id, window.state is WindowState.AWAITING_LABELS, rows))
            num_wanted -= len(rows)
        if num_wanted <= 0:
            break
    return found


def _sort_windows(stream: Stream, windows: Sequence[Window], now: datetime) -> Iterator[Window]:
    """Those whose labels may still come: first those that wait for them, oldest first, then the newest."""
    open_ones = [window for window in windows if can_wait(window, stream.job, now)]
    yield from (window for window in open_ones if window.state is WindowState.AWAITING_LABELS)
    yield from (window for window in reversed(open_ones) if window.state is not WindowState.AWAITING_LABELS)


def _load_unlabelled(stream: Stream, window: Window, artifacts: Artifacts) -> Rows | None:
    """None where there are none, or none that can be read: removed, or stored under another schema."""
    if window.snapshot is None:
        return None
    try:
        rows = from_parquet(artifacts.view(window.snapshot), stream.job.schema)
    except (CorruptArtifact, KeyError, ValueError):
        return None
    if rows.row_ids is None or (rows.tasks is None) != (stream.job.schema.task is None):
        return None
    is_wanted = [
        label is None and row_id is not None for label, row_id in zip(rows.labels, rows.row_ids, strict=True)
    ]
    return rows.take(np.flatnonzero(is_wanted)) if any(is_wanted) else None


def _make_table(stream: Stream, rows: Rows, rated: RatedRows, windows: Column, chosen: Column) -> Any:
    """The chosen rows; a column whose name is that of an input is left out, or no label would be read."""
    schema = stream.job.schema
    source = to_source_table(rows.take(chosen), schema)
    assert schema.id_column is not None
    told = {
        "window": windows[chosen],
        "reason": rated.reason[chosen],
        "prediction": rated.prediction[chosen],
        "probability": rated.probability[chosen],
        "task": rated.task[chosen],
    }
    columns = {name: _to_column(values) for name, values in told.items()}
    columns |= {INPUT_PREFIX + name: source.column(name) for name in schema.inputs}
    own = {
        schema.id_column: source.column(schema.id_column),
        schema.label: pa.nulls(len(chosen), pa.string()),
    }
    kept = {name: column for name, column in columns.items() if name not in (*own, *schema.inputs)}
    return pa.table(own | kept)


def _to_column(values: Column) -> Any:
    if values.dtype == float:
        return pa.array(values, from_pandas=True)  # NaN becomes null
    return pa.array([None if value is None else str(value) for value in values], pa.string())
