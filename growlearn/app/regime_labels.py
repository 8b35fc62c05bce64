"""The true regime of each window, from a column that the model never sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Job
from growlearn.domain.printable import list_names, plain_name
from growlearn.domain.schema import Schema
from growlearn.domain.window import IngestResult, Window
from growlearn.ingest.columns import unwrap_column
from growlearn.ingest.formats import load_all_columns
from growlearn.ingest.rows import from_parquet
from growlearn.ingest.spelling import spell
from growlearn.ingest.table_rows import parse_file
from growlearn.ports import Artifacts, Source


def check_regime_column(column: str, job: Job) -> None:
    """Raise GrowLearnError where the model would see the column."""
    used_columns = {**dict.fromkeys(job.schema.inputs, "an input"), job.schema.label: "the label"}
    if column in used_columns:
        raise GrowLearnError(
            f"column {column!r} is {used_columns[column]} of the job, so the model would see the regime",
            hint="name a column with --regime-column that the schema does not use",
        )


def find_window_regimes(
    column: str,
    history: Sequence[IngestResult],
    windows: Sequence[Window],
    source: Source,
    artifacts: Artifacts,
    schema: Schema,
) -> dict[str, str]:
    """The most frequent value of a column by window; windows without a value are omitted.

    Rows are matched by the hash of their inputs, within the files of the window. Raises GrowLearnError
    where a file has no such column.
    """
    regimes_by_window: dict[str, dict[int, str]] = {}
    for file in history:
        if file.rows and file.windows:  # a file with labels alone has no rows
            regimes = _read_regimes_by_row(column, file, source, schema)
            for window in file.windows:
                regimes_by_window.setdefault(window.id, {}).update(regimes)
    window_regimes = (
        (window, _most_frequent_regime(window, regimes_by_window.get(window.id, {}), artifacts, schema))
        for window in windows
    )
    return {window.id: regime for window, regime in window_regimes if regime is not None}


def _most_frequent_regime(
    window: Window, regime_by_row: Mapping[int, str], artifacts: Artifacts, schema: Schema
) -> str | None:
    if window.snapshot is None:
        return None
    row_hashes = from_parquet(artifacts.view(window.snapshot), schema).row_hashes.tolist()
    votes = Counter(regime_by_row[row_hash] for row_hash in row_hashes if row_hash in regime_by_row)
    return votes.most_common(1)[0][0] if votes else None


def _read_regimes_by_row(column: str, file: IngestResult, source: Source, schema: Schema) -> dict[int, str]:
    """The column's values in one file by row hash; nulls are omitted."""
    blobs = source.read(file.file)
    name, content = next(iter(blobs.items()))
    if len(blobs) > 1 or "/" in name:
        raise GrowLearnError(
            f"{file.file.url} is a folder of images, which has no column {column!r}",
            hint="leave --regime-column out, or replay tables",
        )
    table = load_all_columns(name, content)
    if column not in table.column_names:
        suggestions = get_close_matches(column, table.column_names, n=1)
        hint = (
            f"did you mean {suggestions[0]!r}?"
            if suggestions
            else f"its columns are {list_names(table.column_names, plain_name)}"
        )
        raise GrowLearnError(f"{name} has no column {column!r} for the true regime", hint=hint)
    parsed = parse_file(blobs, schema)
    values = spell(
        unwrap_column(table.column(column)), f"column {column!r}", "wanted text or numbers"
    ).decode()
    row_positions = zip(parsed.rows.row_hashes.tolist(), parsed.source_rows.tolist(), strict=True)
    return {
        row_hash: values[position] for row_hash, position in row_positions if values[position] is not None
    }
