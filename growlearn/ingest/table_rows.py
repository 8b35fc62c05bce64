"""One file -> valid rows, and rejected rows with a reason each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from growlearn.domain.errors import InvalidFile
from growlearn.domain.file_limits import DEFAULT_LIMITS, FileLimits
from growlearn.domain.printable import MAX_LISTED_NAMES, list_names
from growlearn.domain.schema import InputType, Schema
from growlearn.domain.window import BadRow
from growlearn.ingest.columns import NUMBER_PATTERN, decode_texts
from growlearn.ingest.csv_files import find_code
from growlearn.ingest.decoders import decode_input
from growlearn.ingest.formats import RawTable, load_raw_table
from growlearn.ingest.images import has_only_zeros_and_ones, holds_fractions
from growlearn.ingest.label_file import is_label_file
from growlearn.ingest.labels import DecodedLabels, decode_labels
from growlearn.ingest.partitions import check_partitions
from growlearn.ingest.row_errors import RowError, RowErrors, join_notes, to_bad_rows
from growlearn.ingest.rows import Column, Rows, hash_rows, object_column
from growlearn.ingest.spool import Content, drop_pages, spool_array


@dataclass(frozen=True, eq=False)
class ParsedFile:
    """One file's valid rows, their indices in the file, and the errors of the other rows.

    source_rows: int64 [N], the index of each valid row in the file. tasks: object [rows of the file], the
    task of every row, bad ones too; None where the schema has no task column or the file lacks it. note: what
    a person should know about the file, though it is no error.
    """

    rows: Rows
    source_rows: Column
    tasks: Column | None
    row_errors: RowErrors
    note: str | None = None


def read_table_rows(
    blobs: Mapping[str, Content], schema: Schema, *, for_prediction: bool = False
) -> tuple[Rows, tuple[BadRow, ...]]:
    """The valid rows of one file, in its order, and the bad ones by their index in it.

    Rows may repeat. For prediction the label is ignored, and the task column may be absent. Raises
    InvalidFile where no row of the file is usable.
    """
    parsed = parse_file(blobs, schema, for_prediction=for_prediction)
    return parsed.rows, to_bad_rows(parsed.row_errors)


def parse_file(
    blobs: Mapping[str, Content],
    schema: Schema,
    *,
    for_prediction: bool = False,
    label_kind: type | None = None,
    location: str = "",
    limits: FileLimits = DEFAULT_LIMITS,
) -> ParsedFile:
    """Decode and validate one file; raises InvalidFile where no row of it is usable.

    `label_kind` is int or str where the stream's labels already have one kind; `location` is the file's path
    or URL, whose folders' names may hold columns.
    """
    raw_table = load_selected_columns(blobs, schema, for_prediction, location, limits)
    return parse_raw_table(raw_table, schema, for_prediction=for_prediction, label_kind=label_kind)


def parse_for_prediction(raw_table: RawTable, schema: Schema) -> ParsedFile:
    """Decode the columns a prediction needs from a whole table; raises InvalidFile where one is missing."""
    names = select_columns(raw_table.table.column_names, schema, for_prediction=True)
    return parse_raw_table(raw_table.select(names), schema, for_prediction=True)


def load_selected_columns(
    blobs: Mapping[str, Content],
    schema: Schema,
    for_prediction: bool = False,
    location: str = "",
    limits: FileLimits = DEFAULT_LIMITS,
) -> RawTable:
    """The columns of one file that the schema names, not yet validated; those of a label file too.

    Raises InvalidFile where one is missing or the file cannot be read.
    """

    def select(names: Sequence[str]) -> list[str]:
        check_partitions(location, names, schema, for_prediction=for_prediction)
        return select_columns(names, schema, for_prediction)

    return load_raw_table(blobs, schema, select, limits)


def parse_raw_table(
    raw_table: RawTable, schema: Schema, *, for_prediction: bool = False, label_kind: type | None = None
) -> ParsedFile:
    """Decode and validate a table of already selected columns, as in `parse_file`.

    Images are predicted as the schema of the version reads them, and else as that of the job does.
    """
    table = raw_table.table
    if table.num_rows == 0:
        raise InvalidFile("the file has no rows")
    row_errors: RowErrors = {}
    job_schema = schema
    if not for_prediction:
        schema = schema.with_pixels_as(job_schema)
    rows, label_note = _decode_rows(raw_table, schema, row_errors, for_prediction, label_kind)
    source_rows = _find_valid_rows(row_errors, table.num_rows)
    valid_rows = rows if len(source_rows) == len(rows) else rows.take(source_rows)
    if not for_prediction:
        _refuse_unclear_pixels(table, valid_rows, job_schema)
    valid_rows = replace(valid_rows, row_hashes=hash_rows(valid_rows.inputs, schema))
    unlabelled = not for_prediction and schema.label not in table.column_names
    if unlabelled:
        label_note = f"no column {schema.label!r}: the rows have no labels yet"
    code_note = None if for_prediction else _describe_codes(raw_table, schema)
    return ParsedFile(
        valid_rows,
        source_rows,
        rows.tasks,
        _append_row_names(row_errors, raw_table.row_names),
        join_notes(label_note, code_note),
    )


def select_columns(names: Sequence[str], schema: Schema, for_prediction: bool) -> list[str]:
    """The columns to read of those a file has; raises InvalidFile naming each that is missing.

    A label column may be absent, because labels may arrive later, unless another name looks like it.
    """
    special_columns = [] if for_prediction else [name for name in (schema.task, schema.id_column) if name]
    needed = [*schema.inputs, *special_columns]
    missing = [name for name in needed if name not in names]
    optional = {schema.task} if for_prediction else {schema.label}
    if not for_prediction and is_label_file(names, schema):
        needed, missing = [str(schema.id_column)], []
    if not for_prediction and schema.label not in names and _find_similar_name(schema.label, names, schema):
        missing.append(schema.label)
    if missing:
        problems = [_describe_missing_column(name, names, schema) for name in missing[:MAX_LISTED_NAMES]]
        more = len(missing) - len(problems)
        listed = "; ".join(problems) + (f" and {more:,} more" if more else "")
        raise InvalidFile(f"{listed}; the file has {list_names(names) or 'no columns'}")
    wanted = [name for name in dict.fromkeys(names) if name in needed or name in optional]
    repeated = [name for name in wanted if list(names).count(name) > 1]
    if repeated:
        raise InvalidFile(f"column {repeated[0]!r} appears more than once in the file")
    return wanted


def _describe_missing_column(name: str, names: Sequence[str], schema: Schema) -> str:
    nearest = _find_similar_name(name, names, schema)
    return f"column {name!r} is missing" + (f" (did you mean {nearest!r}?)" if nearest else "")


def _find_similar_name(name: str, names: Sequence[str], schema: Schema) -> str | None:
    """The most similar of a file's columns that the schema does not name itself."""
    known = {*schema.inputs, schema.label, schema.task, schema.id_column}
    candidates = {candidate.strip().lower(): candidate for candidate in names if candidate not in known}
    matches = get_close_matches(name.lower(), candidates, 1, 0.7)
    return candidates[matches[0]] if matches else None


def _decode_rows(
    raw_table: RawTable, schema: Schema, row_errors: RowErrors, for_prediction: bool, label_kind: type | None
) -> tuple[Rows, str | None]:
    """Every row, bad ones with whatever could be read, and a note on its labels; rows are hashed later."""
    table = raw_table.table
    inputs = {name: _decode_input(raw_table, name, schema, row_errors) for name in schema.inputs}
    if not for_prediction and schema.label in table.column_names:
        decoded = decode_labels(table.column(schema.label), schema.label, row_errors, label_kind)
    else:
        decoded = DecodedLabels(object_column([None] * table.num_rows))
    tasks = None
    if schema.task is not None and schema.task in table.column_names:
        # A row to predict may have no task: it is routed.
        task_errors: RowErrors = {} if for_prediction else row_errors
        tasks = decode_texts(table.column(schema.task), schema.task, task_errors)
    row_ids = None
    if schema.id_column is not None and not for_prediction:
        row_ids = decode_texts(table.column(schema.id_column), schema.id_column, row_errors)
    rows = Rows(inputs, decoded.labels, tasks, np.zeros(table.num_rows, np.uint64), row_ids)
    return rows, decoded.note


def _decode_input(raw_table: RawTable, name: str, schema: Schema, row_errors: RowErrors) -> Column:
    spec = schema.inputs[name]
    column = raw_table.table.column(name)
    cells = spool_array(decode_input(column, name, spec, row_errors, raw_table.cells_are_text))
    if raw_table.mapped is not None:
        drop_pages(raw_table.mapped)
    return cells


def _refuse_unclear_pixels(table: Any, rows: Rows, schema: Schema) -> None:
    """Raise InvalidFile for images of zeros and ones alone where the job does not say which number is white.

    They are black and white, or nearly black: release 0.1.0 took 1 for white in such a file.
    """
    for name, spec in schema.inputs.items():
        is_unclear = spec.type is InputType.IMAGE and spec.pixel_max is None
        if is_unclear and holds_fractions(table.column(name)) and has_only_zeros_and_ones(rows.inputs[name]):
            raise InvalidFile(
                f"images {name!r} hold no number but 0.0 and 1.0: the column needs pixel_max: 1 where 1 is "
                "white, or pixel_max: 255 where they are nearly black"
            )


def _describe_codes(raw_table: RawTable, schema: Schema) -> str | None:
    """Which number columns of a CSV hold codes such as `007`, read as 7; None without any."""
    if not raw_table.cells_are_text:
        return None
    names = [name for name, spec in schema.inputs.items() if spec.type is InputType.NUMBER]
    codes = {name: find_code(raw_table.table.column(name)) for name in names}
    told = [
        f"column {name!r} is a number: {code.strip()!r} is read as {float(code):.15g}"
        for name, code in codes.items()
        if code is not None and NUMBER_PATTERN.fullmatch(code)
    ]
    return "; ".join(told[:MAX_LISTED_NAMES]) or None


def _find_valid_rows(row_errors: RowErrors, num_rows: int) -> Column:
    mask = np.ones(num_rows, dtype=bool)
    mask[list(row_errors)] = False
    return np.flatnonzero(mask)


def _append_row_names(row_errors: RowErrors, names: Sequence[str] | None) -> RowErrors:
    """Row errors with the names of rows that have one, such as image files."""
    if names is None:
        return row_errors
    return {
        row: RowError(row_error.kind, f"{row_error.detail} in {names[row]}")
        for row, row_error in row_errors.items()
    }
