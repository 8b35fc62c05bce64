"""The true regime of each window, from a column of the data that the model never sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Job
from growlearn.domain.schema import Schema
from growlearn.domain.window import IngestedFile, Window
from growlearn.ingest.formats import load_whole
from growlearn.ingest.rows import from_parquet
from growlearn.ingest.table_rows import parse
from growlearn.ports import Artifacts, Source


def check_truth(column: str, job: Job) -> None:
    """Raise GrowLearnError where the model would see the column."""
    seen = {**dict.fromkeys(job.schema.inputs, "an input"), job.schema.label: "the label"}
    if column in seen:
        raise GrowLearnError(
            f"column {column!r} is {seen[column]} of the job, so it cannot be the truth that is kept from it",
            cure="name a column with --truth that the schema does not use",
        )


def true_regimes(
    column: str,
    history: Sequence[IngestedFile],
    windows: Sequence[Window],
    source: Source,
    artifacts: Artifacts,
    schema: Schema,
) -> dict[str, str]:
    """By window, what its rows say most often in a column; windows whose rows say nothing are left out.

    Rows are known again by the hash of their inputs, among those of the window's own files. Raises
    GrowLearnError where a file has no such column.
    """
    told: dict[str, dict[int, str]] = {}
    for file in history:
        if file.rows and file.windows:  # a file of labels alone has none
            regimes = _by_row(column, file, source, schema)
            for window in file.windows:
                told.setdefault(window.id, {}).update(regimes)
    found = ((window, _commonest(window, told.get(window.id, {}), artifacts, schema)) for window in windows)
    return {window.id: regime for window, regime in found if regime is not None}


def _commonest(window: Window, told: Mapping[int, str], artifacts: Artifacts, schema: Schema) -> str | None:
    if window.snapshot is None:
        return None
    keys = from_parquet(artifacts.get(window.snapshot), schema).keys.tolist()
    votes = Counter(told[key] for key in keys if key in told)
    return votes.most_common(1)[0][0] if votes else None


def _by_row(column: str, file: IngestedFile, source: Source, schema: Schema) -> dict[int, str]:
    """The column's value by row key, of one file's rows that have one."""
    blobs = source.read(file.file)
    name, content = next(iter(blobs.items()))
    if len(blobs) > 1 or "/" in name:
        raise GrowLearnError(
            f"{file.file.url} is a folder of images, which has no column {column!r}",
            cure="leave --truth out, or replay tables",
        )
    table = load_whole(name, content)
    if column not in table.column_names:
        near = get_close_matches(column, table.column_names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"its columns are {', '.join(table.column_names)}"
        raise GrowLearnError(f"{name} has no column {column!r} that could tell the truth", cure=hint)
    parsed = parse(blobs, schema)
    values = table.column(column).to_pylist()
    told = zip(parsed.rows.keys.tolist(), parsed.places.tolist(), strict=True)
    return {key: str(values[place]) for key, place in told if values[place] is not None}
