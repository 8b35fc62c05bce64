"""Rows of JSON objects, checked like a source file's, without a data frame."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from growlearn.domain.errors import InvalidFile
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import InputType, Schema
from growlearn.ingest.formats import RawTable
from growlearn.ingest.row_errors import to_bad_rows
from growlearn.ingest.rows import Rows, concat_rows, object_column
from growlearn.ingest.table_rows import ParsedFile, parse_for_prediction
from growlearn.serving.json_values import Record, find_object, list_columns
from growlearn.serving.known_tasks import find_unknown_task_rows


@dataclass(frozen=True, eq=False)
class JsonRows:
    """The valid ones of N records, their positions (int64 [n]), and the reason for each other by position.

    `rows` is None where none is valid. Its tasks are never None: a row without one is to be routed.
    """

    rows: Rows | None
    positions: npt.NDArray[np.int64]
    reasons: dict[int, str]

    def select(self, start: int, stop: int) -> JsonRows:
        """Those of the records from `start` to `stop`, as if these had been parsed alone."""
        first, last = np.searchsorted(self.positions, (start, stop))
        reasons = {row - start: reason for row, reason in self.reasons.items() if start <= row < stop}
        rows = self.rows.take(np.arange(first, last)) if self.rows is not None and last > first else None
        return JsonRows(rows, self.positions[first:last] - start, reasons)


def parse_json_rows(
    records: Sequence[Record], manifest: Manifest, tasks: Sequence[str | None] | None = None
) -> JsonRows:
    """Records -> rows to predict; `tasks` names those of the records, whatever the schema and the record say.

    Every input column must be there, null where a value is missing; other names are ignored. An image is a
    PNG or JPEG in base64, or a list of pixels.
    """
    schema, reasons = manifest.schema, dict[int, str]()
    complete = []
    for position, record in enumerate(records):
        reason = _find_missing_column(record, schema) or find_object(record, schema)
        if reason is None:
            complete.append(position)
        else:
            reasons[position] = reason
    parts: list[tuple[ParsedFile, Sequence[int]]] = []
    _parse(records, complete, schema, parts, reasons)
    if not parts:
        return JsonRows(None, np.empty(0, np.int64), reasons)
    positions = np.concatenate([np.array(at)[parsed.source_rows] for parsed, at in parts])
    rows = concat_rows([_with_tasks(parsed, at, tasks) for parsed, at in parts])
    unknown = find_unknown_task_rows(rows, manifest)
    reasons |= {int(positions[index]): reason for index, reason in unknown.items()}
    if unknown:
        known = np.setdiff1d(np.arange(len(rows)), list(unknown))
        rows, positions = rows.take(known), positions[known]
    return JsonRows(rows if len(rows) else None, positions, reasons)


def concat_json_rows(parts: Sequence[JsonRows], sizes: Sequence[int]) -> JsonRows:
    """The records of several parts, of so many each, as if they were one after another in one."""
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    rows = [part.rows for part in parts if part.rows is not None]
    reasons = {
        start + row: reason
        for part, start in zip(parts, starts, strict=True)
        for row, reason in part.reasons.items()
    }
    positions = [part.positions + start for part, start in zip(parts, starts, strict=True)]
    return JsonRows(concat_rows(rows) if rows else None, np.concatenate(positions), reasons)


def _find_missing_column(record: Record, schema: Schema) -> str | None:
    for name in schema.inputs:
        if name not in record:
            given = ", ".join(map(repr, list(record)[:10])) or "no columns"
            return f"column {name!r} is missing; the row has {given[:200]}"
    return None


def _parse(
    records: Sequence[Record],
    positions: Sequence[int],
    schema: Schema,
    parts: list[tuple[ParsedFile, Sequence[int]]],
    reasons: dict[int, str],
) -> None:
    """Parse the records at these positions at once; where a column as a whole fails, in two halves."""
    if not positions:
        return
    try:
        table = records_to_arrow_table([records[position] for position in positions], schema)
        parsed = parse_for_prediction(RawTable(table), schema)
    except (InvalidFile, pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        if len(positions) == 1:
            reasons[positions[0]] = _describe(error)
            return
        middle = len(positions) // 2
        for half in (positions[:middle], positions[middle:]):
            _parse(records, half, schema, parts, reasons)
        return
    reasons |= {positions[bad.row]: bad.reason for bad in to_bad_rows(parsed.row_errors)}
    if len(parsed.rows):
        parts.append((parsed, positions))


def _describe(error: Exception) -> str:
    message = error.message if isinstance(error, InvalidFile) else str(error.args[0] if error.args else error)
    return message.splitlines()[0][:300] if message else type(error).__name__


def _with_tasks(parsed: ParsedFile, positions: Sequence[int], tasks: Sequence[str | None] | None) -> Rows:
    """The rows with the given tasks, or else their own, or else none."""
    rows = parsed.rows
    own = [None] * len(rows) if rows.tasks is None else rows.tasks.tolist()
    if tasks is not None:
        given = [tasks[positions[row]] for row in parsed.source_rows.tolist()]
        own = [mine if other is None else other for mine, other in zip(own, given, strict=True)]
    return replace(rows, tasks=object_column(own))


def records_to_arrow_table(records: Sequence[Record], schema: Schema) -> Any:
    """The columns of a schema that any record has as an Arrow table, null where a record lacks one.

    Raises pyarrow.ArrowException, ValueError, TypeError or OverflowError where a column's values have no
    Arrow type in common.
    """
    columns = {}
    for name in list_columns(schema):
        if any(name in record for record in records):
            values = [record.get(name) for record in records]
            if {bool, float} <= set(map(type, values)):  # Arrow would make numbers of them
                raise TypeError(f"column {name!r} holds booleans and numbers")
            is_image = name in schema.inputs and schema.inputs[name].type is InputType.IMAGE
            columns[name] = pa.array([_to_image(value, name) for value in values] if is_image else values)
    return pa.table(columns)


def _to_image(value: object, name: str) -> object:
    """Bytes of an image file from base64; pixels and nulls as they are."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{name} is neither base64 nor a list of pixels") from error
