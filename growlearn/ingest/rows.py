"""Rows in memory, their stored form, and a split in which a row never changes sides."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.parquet_codec import COLUMN_CODECS, PADDING

Column = npt.NDArray[Any]

_HASH_SPACE = 2.0**64
_ZSTD_LEVEL = 3
_ROW_HASH_COLUMN = "_row_hash"


@dataclass(frozen=True, eq=False)
class Rows:
    """N validated rows, column by column.

    inputs: image uint8 [N, channels, height, width]; number float64 [N], NaN where missing; category object
    [N] of str, None where missing; tokens int32 [N, length] with parquet_codec.PADDING after the last; series
    float64 [N, steps, channels]; boolean object [N] of "true", "false" or None; datetime datetime64[us] [N]
    in UTC, NaT where missing.
    labels: object [N] of int, str or None (not known yet). tasks: object [N] of str, or None without a task
    column. row_hashes: uint64 [N], a hash of each row's inputs. row_ids: object [N] of str, each row's value
    in the id column (None: not known); None without an id column.
    """

    inputs: dict[str, Column]
    labels: Column
    tasks: Column | None
    row_hashes: Column
    row_ids: Column | None = None

    def __len__(self) -> int:
        return len(self.row_hashes)

    def take(self, indices: Column) -> Rows:
        """The rows at these indices, or where this mask is true."""
        return Rows(
            {name: column[indices] for name, column in self.inputs.items()},
            self.labels[indices],
            None if self.tasks is None else self.tasks[indices],
            self.row_hashes[indices],
            None if self.row_ids is None else self.row_ids[indices],
        )

    @property
    def num_labelled(self) -> int:
        """How many rows have a known label."""
        return sum(label is not None for label in self.labels)

    def select_labelled(self) -> Rows:
        """The rows whose label is known."""
        return self.take(np.array([label is not None for label in self.labels], dtype=bool))


def make_dummy_row(schema: Schema) -> Rows:
    """One row without labels: black images, zeros, missing values and no tokens."""
    inputs = {name: _make_dummy_column(spec) for name, spec in schema.inputs.items()}
    return Rows(inputs, object_column([None]), None, hash_rows(inputs, schema))


def _make_dummy_column(spec: InputColumn) -> Column:
    if spec.type in (InputType.CATEGORY, InputType.BOOLEAN):
        return object_column([None])
    if spec.type is InputType.DATETIME:
        return np.array(["NaT"], "datetime64[us]")
    if spec.type is InputType.TOKENS:
        return np.full((1, spec.length or 0), PADDING, np.int32)
    return np.zeros((1, *(spec.shape or ())), np.uint8 if spec.type is InputType.IMAGE else np.float64)


def concat_rows(parts: Sequence[Rows]) -> Rows:
    """Rows of several parts in order; they must share a schema."""
    first = parts[0]
    tasks = [part.tasks for part in parts if part.tasks is not None]
    return Rows(
        {name: np.concatenate([part.inputs[name] for part in parts]) for name in first.inputs},
        np.concatenate([part.labels for part in parts]),
        np.concatenate(tasks) if first.tasks is not None else None,
        np.concatenate([part.row_hashes for part in parts]),
        _concat_row_ids(parts),
    )


def _concat_row_ids(parts: Sequence[Rows]) -> Column | None:
    """The ids of all rows; None for rows ingested before the schema had an id column."""
    if all(part.row_ids is None for part in parts):
        return None
    id_columns = [
        object_column([None] * len(part)) if part.row_ids is None else part.row_ids for part in parts
    ]
    return np.concatenate(id_columns)


def hash_rows(inputs: dict[str, Column], schema: Schema) -> Column:
    """Hash each row's inputs (not its label), so that equal inputs are on the same side of every split.

    The order in which the schema names the inputs does not matter.
    """
    if not len(next(iter(inputs.values()))):
        return np.empty(0, np.uint64)
    parts = [_to_cell_bytes(inputs[name]) for name in sorted(schema.inputs)]
    rows = np.ascontiguousarray(np.concatenate(parts, axis=1))
    digests = b"".join(blake2b(row, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _to_cell_bytes(column: Column) -> Column:
    """Each cell as the same number of bytes, uint8 [N, bytes]; text as a digest of 16 bytes.

    All missing values of a column have the same bytes, which no other value has.
    """
    n = len(column)
    if column.dtype != object:
        cells = np.where(np.isnan(column), np.nan, column) if column.dtype.kind == "f" else column
        return np.ascontiguousarray(cells).reshape(n, -1).view(np.uint8)
    digest_by_text = {text: _digest_text(text) for text in set(column)}
    return np.frombuffer(b"".join([digest_by_text[text] for text in column]), np.uint8).reshape(n, 16)


def _digest_text(text: str | None) -> bytes:
    if text is None:
        return blake2b(digest_size=16, person=b"missing").digest()
    return blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True, eq=False)
class Split:
    """Three disjoint parts."""

    train: Rows
    validation: Rows
    holdout: Rows


def split_rows(
    rows: Rows, holdout_fraction: float, validation_fraction: float, min_validation_rows: int = 0
) -> Split:
    """Split by row hash alone: a row is always on the same side of the hold-out, whatever the other rows are.

    `holdout_fraction` is of all rows, `validation_fraction` of the others; the validation part has at least
    `min_validation_rows` rows, where there are so many.
    """
    position = rows.row_hashes.astype(np.float64) / _HASH_SPACE  # uniform in [0, 1)
    in_holdout = position < holdout_fraction
    in_validation = ~in_holdout & (position < holdout_fraction + validation_fraction * (1 - holdout_fraction))
    if in_validation.sum() < min_validation_rows:
        remaining = np.sort(position[~in_holdout])
        in_validation = ~in_holdout & (position <= remaining[:min_validation_rows].max(initial=-1.0))
    return Split(rows.take(~in_holdout & ~in_validation), rows.take(in_validation), rows.take(in_holdout))


def to_parquet(rows: Rows, schema: Schema) -> bytes:
    """Rows as stored Parquet; equal rows give equal bytes."""
    columns: dict[str, pa.Array] = {}
    for name, spec in schema.inputs.items():
        columns[name] = COLUMN_CODECS[spec.type].write(rows.inputs[name])
    columns[schema.label] = to_label_array(rows.labels)
    if rows.tasks is not None and schema.task is not None:
        columns[schema.task] = pa.array(rows.tasks, pa.string())
    if rows.row_ids is not None and schema.id_column is not None:
        columns[schema.id_column] = pa.array(rows.row_ids, pa.string())
    columns[_ROW_HASH_COLUMN] = pa.array(rows.row_hashes, pa.uint64())
    return to_parquet_bytes(pa.table(columns))


def to_parquet_bytes(table: Any) -> bytes:
    """A table as stored Parquet; equal tables give equal bytes."""
    dictionary_columns = [field.name for field in table.schema if pa.types.is_string(field.type)]
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=dictionary_columns,  # for pixels or hashes a dictionary only costs time
    )
    return sink.getvalue()


def from_parquet(content: bytes, schema: Schema) -> Rows:
    """Rows from stored Parquet; raises KeyError or ValueError where it has another schema."""
    table = pq.read_table(io.BytesIO(content))
    inputs: dict[str, Column] = {}
    for name, spec in schema.inputs.items():
        inputs[name] = COLUMN_CODECS[spec.type].read(table.column(name), spec)
    return Rows(
        inputs,
        object_column(table.column(schema.label).to_pylist()),
        _read_text_column(table, schema.task),
        table.column(_ROW_HASH_COLUMN).to_numpy(),
        _read_text_column(table, schema.id_column),
    )


def _read_text_column(table: Any, name: str | None) -> Column | None:
    exists = name is not None and name in table.column_names
    return object_column(table.column(name).to_pylist()) if exists else None


def object_column(values: Sequence[object]) -> Column:
    """A one-dimensional object array of any values."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def to_label_array(labels: Column) -> pa.Array:
    """Labels as Arrow integers, or as text where any is text."""
    known_labels: list[Label] = [label for label in labels if label is not None]
    arrow_type = pa.string() if any(isinstance(label, str) for label in known_labels) else pa.int64()
    return pa.array(labels, arrow_type)
