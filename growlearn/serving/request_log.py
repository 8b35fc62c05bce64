"""Which answered rows are logged, under which ids, and the source file that they become."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from itertools import count
from secrets import token_hex

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.schema import MAX_NAME_LENGTH, Schema
from growlearn.domain.serving_config import LOG_COLUMN_PREFIX
from growlearn.ingest.rows import Column, Rows, concat_rows, object_column
from growlearn.ingest.source_file import to_source_table
from growlearn.serving.json_rows import JsonRows
from growlearn.serving.json_values import Record
from growlearn.serving.predictor import Answers

RowId = str | int
"""As the caller wrote it, or made here."""
_HASH_SPACE = 2.0**64


class DropReason(StrEnum):
    """Why an answered row that was sampled is not in the log."""

    BUFFER_FULL = "buffer_full"  # files cannot be written as fast as rows are answered, or not at all
    INVALID_ID = "invalid_id"  # the row's own id is no id
    NO_TASK = "no_task"  # the schema has a task column, and the row names no task
    OTHER_SCHEMA = "other_schema"  # the version reads other columns than the job names now
    FAILED = "failed"  # a bug, or the process stopped while files could not be written


@dataclass(frozen=True, eq=False)
class LoggedRows:
    """N answered rows of one request: with their ids, what `version` answered, and when."""

    rows: Rows
    answers: Answers
    version: int
    at: datetime

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Selection:
    """Of the answered rows of a request, those that are logged, as indices (int64 [n]) and by id.

    `ids` are those of all records in their order, None where one is not logged; `dropped` counts others.
    """

    indices: Column
    ids: tuple[RowId | None, ...]
    dropped: Counter[DropReason]


def select_rows(
    records: Sequence[Record],
    parsed: JsonRows,
    schema: Schema,
    sample: float,
    new_id: Callable[[], str],
    *,
    reads_same_columns: bool = True,
) -> Selection:
    """Choose the rows that are logged, each with its own id or a new one; `schema` is the job's.

    Whether a row is sampled depends on its id alone, so that every process decides alike.
    `reads_same_columns`: the version that answered has the job's inputs and task column.
    """
    ids: list[RowId | None] = [None] * len(records)
    kept: list[int] = []
    dropped: Counter[DropReason] = Counter()
    tasks = None if parsed.rows is None or schema.task is None else parsed.rows.tasks
    for index, position in enumerate(parsed.positions.tolist()):
        row_id = _get_id(records[position], schema.id_column, new_id)
        if row_id is None:
            dropped[DropReason.INVALID_ID] += 1
        elif not _is_sampled(row_id, sample):
            continue
        elif not reads_same_columns:
            dropped[DropReason.OTHER_SCHEMA] += 1
        elif tasks is not None and tasks[index] is None:
            dropped[DropReason.NO_TASK] += 1
        else:
            ids[position] = row_id
            kept.append(index)
    return Selection(np.array(kept, np.int64), tuple(ids), dropped)


def _get_id(record: Record, id_column: str | None, new_id: Callable[[], str]) -> RowId | None:
    """The record's id, or a new one where it has none; None where its own is no id."""
    given = None if id_column is None else record.get(id_column)
    if given is None:
        return new_id()
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    return given if 0 < len(str(given).strip()) <= MAX_NAME_LENGTH else None


def make_new_ids() -> Callable[[], str]:
    """A source of ids that no other process makes: 16 random hex digits, and a number that counts up."""
    prefix, numbers = token_hex(8), count(1)
    return lambda: f"{prefix}{next(numbers):08x}"


def _is_sampled(row_id: RowId, sample: float) -> bool:
    if sample >= 1:
        return True
    digest = blake2b(str(row_id).strip().encode(), digest_size=8).digest()
    return int.from_bytes(digest) / _HASH_SPACE < sample


def take_logged_rows(
    selection: Selection, parsed: JsonRows, answers: Answers, version: int, at: datetime
) -> LoggedRows:
    """The selected rows and their answers."""
    assert parsed.rows is not None
    rows, is_all = parsed.rows, len(selection.indices) == len(parsed.rows)
    kept = slice(None) if is_all else selection.indices  # most requests are logged whole: without a copy
    row_ids = object_column([str(row_id) for row_id in selection.ids if row_id is not None])
    return LoggedRows(
        replace(rows if is_all else rows.take(selection.indices), row_ids=row_ids),
        Answers(
            answers.prediction[kept],
            answers.probability[kept],
            answers.task[kept],
            np.empty((len(row_ids), 0)),
        ),
        version,
        at,
    )


def encode_log(parts: Sequence[LoggedRows], schema: Schema) -> bytes:
    """The rows as a Parquet file of the stream's source, without labels.

    Its columns are the schema's, and `growlearn_version`, `_task`, `_prediction` (as text), `_probability`
    and `_at`, which no reader of a source takes up.
    """
    table = to_source_table(concat_rows([part.rows for part in parts]), schema)
    prediction = np.concatenate([part.answers.prediction for part in parts])
    lengths = [len(part) for part in parts]
    added = {
        "version": pa.array(np.repeat([part.version for part in parts], lengths), pa.int64()),
        "task": pa.array(np.concatenate([part.answers.task for part in parts]), pa.string()),
        "prediction": pa.array([str(label) for label in prediction], pa.string()),
        "probability": pa.array(np.concatenate([part.answers.probability for part in parts])),
        "at": pa.array([part.at for part in parts for _ in range(len(part))], pa.timestamp("us", "UTC")),
    }
    for name, column in added.items():
        table = table.append_column(LOG_COLUMN_PREFIX + name, column)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
