"""Predictions of a stream's version for the rows of a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from growlearn.adapters.sources.listing import find_files
from growlearn.domain.errors import GrowLearnError, InvalidFile, make_write_error
from growlearn.domain.lineage import Manifest, Version
from growlearn.domain.window import BadRow
from growlearn.ingest.formats import load_raw_table
from growlearn.ingest.images import IMAGE_SUFFIXES
from growlearn.ingest.partitions import check_partitions
from growlearn.ingest.row_errors import to_bad_rows
from growlearn.ingest.rows import Column, Rows
from growlearn.ingest.spool import Content, drop_pages, read_or_spool
from growlearn.ingest.table_rows import parse_for_prediction
from growlearn.ports import Artifacts, Store
from growlearn.registry.version_tree import get_version
from growlearn.serving.known_tasks import find_unknown_task_rows
from growlearn.serving.predictor import Predictor

_CHUNK_ROWS = 65_536  # predicted at once, and in a row group of the output
_ENCODED_CHUNK_ROWS = 2048  # as many as an encoder's features stay in memory between routing and prediction
LoadPredictor: TypeAlias = Callable[[Manifest, Callable[[str], bytes]], Predictor]
"""Makes a predictor of a manifest and of what reads stored bytes."""
OUTPUT_COLUMNS = ("prediction", "probability", "task")


@dataclass(frozen=True, eq=False)
class FilePredictions:
    """The file's own table with the added columns, null in rows without a prediction.

    `class_columns` are those of the added ones that hold the probability of one class.
    """

    table: Any  # pyarrow.Table
    version: int
    failed_rows: tuple[BadRow, ...]
    class_columns: tuple[str, ...] = ()
    mapped: memoryview | None = None  # where a large table lies


def predict_file(
    store: Store,
    artifacts: Artifacts,
    stream: str,
    version: int | None,
    file: Path,
    min_probability: float = 0.0,
    proba: bool = False,
    load_predictor: LoadPredictor | None = None,
) -> FilePredictions:
    """Predict every row of a Parquet, CSV or Arrow file, or every image below a folder.

    The champion predicts, or the given version; a prediction below `min_probability` is left null. With
    `proba` a column is added for the probability of each class, `probability_CLASS`. `load_predictor` decides
    how and where the model runs, by default branch by branch on the CPU. Raises GrowLearnError where the
    stream has no such version or the file cannot be used.
    """
    model = _get_version(store, stream, version)
    contents = _read_contents(file)
    try:
        raw_table = load_raw_table(contents, model.manifest.schema)
        columns = raw_table.table.column_names
        check_partitions(str(file.absolute()), columns, model.manifest.schema, for_prediction=True)
        parsed = parse_for_prediction(raw_table, model.manifest.schema)
    except InvalidFile as error:
        raise GrowLearnError(f"{file}: {error.message}", hint=error.hint) from error
    unknown = find_unknown_task_rows(parsed.rows, model.manifest)
    known = np.setdiff1d(np.arange(len(parsed.rows)), list(unknown))
    bad = [
        *to_bad_rows(parsed.row_errors),
        *(BadRow(row=int(parsed.source_rows[i]), reason=unknown[i]) for i in unknown),
    ]
    bad.sort(key=lambda row: row.row)
    if len(known) == 0:
        raise GrowLearnError(f"{file}: no row can be answered; the first: {bad[0].reason}")
    predictor = (load_predictor or Predictor)(model.manifest, artifacts.get)
    rows = parsed.rows if len(known) == len(parsed.rows) else parsed.rows.take(known)
    chunk_rows = _CHUNK_ROWS if model.manifest.model.encoder is None else _ENCODED_CHUNK_ROWS
    added = _answer_columns(predictor, rows.slices(chunk_rows), min_probability, proba)
    table = pa.table({"file": sorted(contents)}) if file.is_dir() else raw_table.table
    # The added columns replace columns of the file that have the same names.
    table = table.select([i for i, name in enumerate(table.column_names) if name not in added])
    for name, column in added.items():
        table = table.append_column(name, _spread(column, parsed.source_rows[known], table.num_rows))
    class_columns = tuple(name for name in added if name not in OUTPUT_COLUMNS)
    return FilePredictions(table, model.number, tuple(bad), class_columns, raw_table.mapped)


def _answer_columns(
    predictor: Predictor, parts: Iterator[Rows], min_probability: float, proba: bool
) -> dict[str, Any]:
    """The added columns as Arrow arrays; millions of answers as Python objects take hundreds of MB."""
    tables = []
    for part in parts:
        answers = predictor.answer(part, min_probability, proba)
        columns = {name: getattr(answers, name) for name in OUTPUT_COLUMNS}
        tables.append(pa.table(columns | predictor.probability_columns(answers)))
    table = pa.concat_tables(tables, promote_options="default")  # a part may hold no prediction but None
    return dict(zip(table.column_names, table.columns, strict=True))


def _spread(column: Any, positions: Column, num_rows: int) -> Any:
    """A column with its values at these rows, null in the others."""
    if len(positions) == num_rows:
        return column
    indices, is_null = np.zeros(num_rows, np.int64), np.ones(num_rows, dtype=bool)
    indices[positions], is_null[positions] = np.arange(len(positions)), False
    return column.take(pa.array(indices, mask=is_null))


def _get_version(store: Store, stream_name: str, version: int | None) -> Version:
    stream = store.stream(stream_name)
    number = stream.champion if version is None else version
    if number is None:
        raise GrowLearnError(
            f"stream {stream_name!r} has no champion yet",
            hint=f"name a version with --version; see: growlearn versions {stream_name}",
        )
    return get_version(store.versions(stream_name), number)


def _read_contents(path: Path) -> dict[str, Content]:
    """A file under its name, or the images below a folder by their relative paths."""
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return {path.name: read_or_spool(file, path.stat().st_size)}
        images = find_files(path, IMAGE_SUFFIXES)
        contents: dict[str, Content] = {
            f"./{_printable_path(image.relative_to(path))}": image.read_bytes() for image in images
        }
    except OSError as error:
        raise GrowLearnError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    if not contents:
        raise GrowLearnError(f"{path} holds no image", hint=f"images end in {', '.join(IMAGE_SUFFIXES)}")
    return contents


def _printable_path(name: Path) -> str:
    """The name as printable text; bytes that are not UTF-8 are escaped in hex."""
    return os.fsencode(name).decode(errors="backslashreplace")


def write_predictions(predictions: FilePredictions, out: Path) -> tuple[str, ...]:
    """Write .parquet or .csv; returns the omitted columns, such as images, which a CSV cannot hold."""
    return write_table(predictions.table, out, predictions.mapped)


def write_table(table: Any, out: Path, mapped: memoryview | None = None) -> tuple[str, ...]:
    """The same for any table; `mapped` is where a large one lies."""
    check_table_path(out)
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        unsupported = _write_part(table, part, mapped, is_csv=out.suffix.lower() == ".csv")
        part.replace(out)
        return unsupported
    except OSError as error:
        raise make_write_error(out, error, "check the folder") from error
    except pa.ArrowException as error:
        raise GrowLearnError(f"cannot write {out}: {error}", hint="end the name in .parquet") from error
    finally:
        part.unlink(missing_ok=True)


def check_table_path(out: Path) -> None:
    """Raise GrowLearnError for a name of which no table can be written."""
    if out.suffix.lower() not in (".parquet", ".pq", ".csv"):
        raise GrowLearnError(f"cannot write {out}", hint="end the name in .parquet or .csv")


def _write_part(table: Any, part: Path, mapped: memoryview | None, *, is_csv: bool) -> tuple[str, ...]:
    if not is_csv:
        _write_parquet(table, part, mapped)
        return ()
    fits = [_fits_csv(field.type) for field in table.schema]
    unsupported = tuple(field.name for field, fit in zip(table.schema, fits, strict=True) if not fit)
    table = table.select([i for i, fit in enumerate(fits) if fit])
    views = {field.name: pa.large_string() for field in table.schema if pa.types.is_string_view(field.type)}
    fields = [pa.field(field.name, views.get(field.name, field.type)) for field in table.schema]
    pacsv.write_csv(table.cast(pa.schema(fields)) if views else table, part)
    return unsupported


def _write_parquet(table: Any, out: Path, mapped: memoryview | None) -> None:
    """Write a row group at a time; what was written of a mapped table leaves the memory."""
    with pq.ParquetWriter(out, table.schema) as writer:
        for start in range(0, table.num_rows, _CHUNK_ROWS):
            writer.write_table(table.slice(start, _CHUNK_ROWS))
            drop_pages(mapped or b"")


def _fits_csv(data_type: Any) -> bool:
    types = pa.types
    has_no_text = (
        types.is_nested, types.is_binary, types.is_large_binary, types.is_fixed_size_binary,
        types.is_binary_view, types.is_interval,
    )  # fmt: skip
    return not (isinstance(data_type, pa.BaseExtensionType) or any(has(data_type) for has in has_no_text))
