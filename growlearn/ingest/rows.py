"""Rows in memory, their stored form, and the split that no row can change sides of."""

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

from growlearn.domain.schema import Input, InputType, Label, Schema
from growlearn.ingest.stored import PADDING, STORED

Column = npt.NDArray[Any]

_KEY_SPACE = 2.0**64
_ZSTD_LEVEL = 3
_KEY = "_key"


@dataclass(frozen=True, eq=False)
class Rows:
    """N validated rows, column by column.

    inputs: image uint8 [N, channels, height, width]; number float64 [N]; category object [N] of str;
    tokens int32 [N, length] with stored.PADDING after the last; series float64 [N, steps, channels].
    labels: object [N] of int, str or None (not known yet). tasks: object [N] of str, or None where
    no column names the task. keys: uint64 [N], a hash of each row's inputs. ids: object [N] of str, what
    the key column calls each row (None: not known); None where no column does.
    """

    inputs: dict[str, Column]
    labels: Column
    tasks: Column | None
    keys: Column
    ids: Column | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, which: Column) -> Rows:
        """The rows at these indices, or where this mask is true."""
        return Rows(
            {name: column[which] for name, column in self.inputs.items()},
            self.labels[which],
            None if self.tasks is None else self.tasks[which],
            self.keys[which],
            None if self.ids is None else self.ids[which],
        )

    @property
    def label_count(self) -> int:
        """How many rows have a known label."""
        return sum(label is not None for label in self.labels)

    def labelled(self) -> Rows:
        """The rows whose label is known."""
        return self.take(np.array([label is not None for label in self.labels], dtype=bool))


def blank_row(schema: Schema) -> Rows:
    """One row without labels: black images, zeros, empty text and no tokens."""
    inputs = {name: _blank(spec) for name, spec in schema.inputs.items()}
    return Rows(inputs, object_column([None]), None, row_keys(inputs, schema))


def _blank(spec: Input) -> Column:
    if spec.type is InputType.CATEGORY:
        return object_column([""])
    if spec.type is InputType.TOKENS:
        return np.full((1, spec.length or 0), PADDING, np.int32)
    return np.zeros((1, *(spec.shape or ())), np.uint8 if spec.type is InputType.IMAGE else np.float64)


def concat(parts: Sequence[Rows]) -> Rows:
    """Rows of several parts in order; they must share a schema."""
    first = parts[0]
    tasks = [part.tasks for part in parts if part.tasks is not None]
    return Rows(
        {name: np.concatenate([part.inputs[name] for part in parts]) for name in first.inputs},
        np.concatenate([part.labels for part in parts]),
        np.concatenate(tasks) if first.tasks is not None else None,
        np.concatenate([part.keys for part in parts]),
        _ids_of(parts),
    )


def _ids_of(parts: Sequence[Rows]) -> Column | None:
    """What all the rows are called; those taken in before the schema named a key have no name."""
    if all(part.ids is None for part in parts):
        return None
    nameless = [object_column([None] * len(part)) if part.ids is None else part.ids for part in parts]
    return np.concatenate(nameless)


def row_keys(inputs: dict[str, Column], schema: Schema) -> Column:
    """Hash each row's inputs (not its label), so that equal inputs share a side of every split.

    The order in which the schema names the inputs does not matter.
    """
    if not len(next(iter(inputs.values()))):
        return np.empty(0, np.uint64)
    parts = [_cell_bytes(inputs[name]) for name in sorted(schema.inputs)]
    rows = np.ascontiguousarray(np.concatenate(parts, axis=1))
    digests = b"".join(blake2b(row, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _cell_bytes(column: Column) -> Column:
    """Each cell as the same number of bytes, uint8 [N, bytes]; text as a digest of 16 bytes."""
    n = len(column)
    if column.dtype != object:
        return np.ascontiguousarray(column).reshape(n, -1).view(np.uint8)
    digest_of = {text: blake2b(text.encode(), digest_size=16).digest() for text in set(column)}
    return np.frombuffer(b"".join([digest_of[text] for text in column]), np.uint8).reshape(n, 16)


@dataclass(frozen=True, eq=False)
class Split:
    """Three parts no row is shared by."""

    train: Rows
    validation: Rows
    holdout: Rows


def split(rows: Rows, holdout: float, validation: float, least: int = 0) -> Split:
    """Split by row key alone: a row is always on the same side of the hold-out, whatever comes with it.

    holdout is a share of all rows, validation a share of the others: at least `least` rows of them,
    where there are so many.
    """
    place = rows.keys.astype(np.float64) / _KEY_SPACE  # uniform in [0, 1)
    held = place < holdout
    chosen = ~held & (place < holdout + validation * (1 - holdout))
    if chosen.sum() < least:
        others = np.sort(place[~held])
        chosen = ~held & (place <= others[:least].max(initial=-1.0))
    return Split(rows.take(~held & ~chosen), rows.take(chosen), rows.take(held))


def to_parquet(rows: Rows, schema: Schema) -> bytes:
    """Stored form of rows; equal rows give equal bytes."""
    columns: dict[str, pa.Array] = {}
    for name, spec in schema.inputs.items():
        columns[name] = STORED[spec.type].write(rows.inputs[name])
    columns[schema.label] = label_array(rows.labels)
    if rows.tasks is not None and schema.task is not None:
        columns[schema.task] = pa.array(rows.tasks, pa.string())
    if rows.ids is not None and schema.key is not None:
        columns[schema.key] = pa.array(rows.ids, pa.string())
    columns[_KEY] = pa.array(rows.keys, pa.uint64())
    return written(pa.table(columns))


def written(table: Any) -> bytes:
    """A table as stored Parquet; equal tables give equal bytes."""
    few_values = [field.name for field in table.schema if pa.types.is_string(field.type)]
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=few_values,  # a dictionary of pixels or of hashes only costs time
    )
    return sink.getvalue()


def from_parquet(content: bytes, schema: Schema) -> Rows:
    """Rows of their stored form; raises KeyError or ValueError where they had another schema."""
    table = pq.read_table(io.BytesIO(content))
    inputs: dict[str, Column] = {}
    for name, spec in schema.inputs.items():
        inputs[name] = STORED[spec.type].read(table.column(name), spec)
    return Rows(
        inputs,
        object_column(table.column(schema.label).to_pylist()),
        _texts(table, schema.task),
        table.column(_KEY).to_numpy(),
        _texts(table, schema.key),
    )


def _texts(table: Any, name: str | None) -> Column | None:
    known = name is not None and name in table.column_names
    return object_column(table.column(name).to_pylist()) if known else None


def object_column(values: Sequence[object]) -> Column:
    """A one-dimensional object array, whatever the values look like."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def label_array(labels: Column) -> pa.Array:
    """Labels as Arrow integers, or as text where any is text."""
    known: list[Label] = [label for label in labels if label is not None]
    kind = pa.string() if any(isinstance(label, str) for label in known) else pa.int64()
    return pa.array(labels, kind)
