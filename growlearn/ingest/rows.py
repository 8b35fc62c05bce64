"""Rows in memory, their stored form, and a split in which a row never changes sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.parquet_codec import COLUMN_CODECS, PADDING, to_shared_objects
from growlearn.ingest.spool import SPOOL_BYTES, Content, allocate, drop_pages, map_file, open_temporary_file

Column = npt.NDArray[Any]

_HASH_SPACE = 2.0**64
_ZSTD_LEVEL = 3
_ROW_HASH_COLUMN = "_row_hash"
_CHUNK_ROWS = 65_536
_GROUP_BYTES = 32 * 2**20  # of a row group, before it is encoded
_MIN_GROUP_ROWS, _MAX_GROUP_ROWS = 256, 131_072
_MAX_VALIDATION_ROWS = 50_000  # an accuracy is known to 0.2 points, and drift is found in far fewer
_MAX_HOLDOUT_ROWS = 100_000


@dataclass(frozen=True, eq=False)
class Rows:
    """N validated rows, column by column.

    inputs: image uint8 [N, channels, height, width]; number float64 [N], NaN where missing; category object
    [N] of str, None where missing; tokens int32 [N, length] with parquet_codec.PADDING after the last; series
    float64 [N, steps, channels]; boolean object [N] of "true", "false" or None; datetime datetime64[us] [N]
    in UTC, NaT where missing; text object [N] of str, None where missing.
    labels: object [N] of int, str or None (not known yet). tasks: object [N] of str, or None without a task
    column. row_hashes: uint64 [N], a hash of each row's inputs. row_ids: object [N] of str, each row's value
    in the id column (None: not known); None without an id column. Large columns of numbers, images, tokens
    and series are mapped (ingest.spool), so that rows may be more than fit into memory.
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
        if indices.dtype == bool:
            if indices.all():
                return self
            indices = np.flatnonzero(indices)
        return Rows(
            {name: _take_cells(column, indices) for name, column in self.inputs.items()},
            self.labels[indices],
            None if self.tasks is None else self.tasks[indices],
            _take_cells(self.row_hashes, indices),
            None if self.row_ids is None else self.row_ids[indices],
        )

    def columns(self) -> tuple[Column, ...]:
        """Every column there is: inputs, labels, tasks, hashes, ids."""
        others = (self.labels, self.tasks, self.row_hashes, self.row_ids)
        return (*self.inputs.values(), *(column for column in others if column is not None))

    def slices(self, size: int) -> Iterator[Rows]:
        """The rows `size` at a time, without a copy; one part without rows where there are none."""
        for start in range(0, max(len(self), 1), size):
            part = slice(start, start + size)
            yield Rows(
                {name: column[part] for name, column in self.inputs.items()},
                self.labels[part],
                None if self.tasks is None else self.tasks[part],
                self.row_hashes[part],
                None if self.row_ids is None else self.row_ids[part],
            )

    def sample(self, max_rows: int) -> Rows:
        """At most `max_rows` of the rows in their order, chosen at random but always the same ones."""
        if len(self) <= max_rows:
            return self
        return self.take(np.sort(np.random.default_rng(0).choice(len(self), max_rows, replace=False)))

    @property
    def num_labelled(self) -> int:
        """How many rows have a known label."""
        return sum(label is not None for label in self.labels)

    def select_labelled(self) -> Rows:
        """The rows whose label is known."""
        return self.take(np.array([label is not None for label in self.labels], dtype=bool))


def _take_cells(column: Column, indices: Column) -> Column:
    """The cells at these indices, a block at a time where they are many."""
    if column.dtype == object or len(indices) <= _CHUNK_ROWS:
        return np.asarray(column[indices])
    cells = allocate((len(indices), *column.shape[1:]), column.dtype)
    for start in range(0, len(indices), _CHUNK_ROWS):
        cells[start : start + _CHUNK_ROWS] = column[indices[start : start + _CHUNK_ROWS]]
    drop_pages(cells)
    drop_pages(column)
    return cells


def make_dummy_row(schema: Schema) -> Rows:
    """One row without labels: black images, zeros, missing values and no tokens."""
    inputs = {name: _make_dummy_column(spec) for name, spec in schema.inputs.items()}
    return Rows(inputs, object_column([None]), None, hash_rows(inputs, schema))


def _make_dummy_column(spec: InputColumn) -> Column:
    if spec.type in (InputType.CATEGORY, InputType.BOOLEAN, InputType.TEXT):
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
        {name: _concat_cells([part.inputs[name] for part in parts]) for name in first.inputs},
        np.concatenate([part.labels for part in parts]),
        np.concatenate(tasks) if first.tasks is not None else None,
        _concat_cells([part.row_hashes for part in parts]),
        _concat_row_ids(parts),
    )


def _concat_cells(parts: Sequence[Column]) -> Column:
    cells = allocate((sum(map(len, parts)), *parts[0].shape[1:]), np.result_type(*parts))
    return np.concatenate(parts, out=cells)


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
    columns = [inputs[name] for name in sorted(schema.inputs)]
    hashes = allocate((len(columns[0]),), np.uint64)
    for start in range(0, len(hashes), _CHUNK_ROWS):
        cells = [_to_cell_bytes(column[start : start + _CHUNK_ROWS]) for column in columns]
        rows = np.concatenate(cells, axis=1) if len(cells) > 1 else cells[0]  # one image is large: no copy
        digests = b"".join([blake2b(row, digest_size=8).digest() for row in rows])
        hashes[start : start + _CHUNK_ROWS] = np.frombuffer(digests, "<u8")
    for column in columns:
        drop_pages(column)
    return hashes


def _to_cell_bytes(column: Column) -> Column:
    """Each cell as the same number of bytes, uint8 [N, bytes]; text as a digest of 16 bytes.

    All missing values of a column have the same bytes, which no other value has.
    """
    n = len(column)
    if column.dtype != object:
        is_number = column.dtype.kind == "f" and column.ndim == 1
        cells = np.where(np.isnan(column), np.nan, column) + 0.0 if is_number else column  # -0.0 is 0.0
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
    `min_validation_rows` rows, where there are so many, and at most 50,000: the others are trained on. Of the
    hold-out at most 100,000 rows are kept; the others are left out, and never trained on.
    """
    position = rows.row_hashes.astype(np.float64) / _HASH_SPACE  # uniform in [0, 1)
    in_holdout = position < holdout_fraction
    in_validation = ~in_holdout & (position < holdout_fraction + validation_fraction * (1 - holdout_fraction))
    if in_validation.sum() < min_validation_rows:
        remaining = np.sort(position[~in_holdout])
        in_validation = ~in_holdout & (position <= remaining[:min_validation_rows].max(initial=-1.0))
    in_validation = _keep_lowest(position, in_validation, max(_MAX_VALIDATION_ROWS, min_validation_rows))
    return Split(
        rows.take(~in_holdout & ~in_validation),
        rows.take(in_validation),
        rows.take(_keep_lowest(position, in_holdout, _MAX_HOLDOUT_ROWS)),
    )


def _keep_lowest(position: Column, mask: Column, max_rows: int) -> Column:
    """The mask, with the `max_rows` lowest positions alone (and their equals) where more are set."""
    if mask.sum() <= max_rows:
        return mask
    return np.asarray(mask & (position <= np.partition(position[mask], max_rows - 1)[max_rows - 1]))


def to_parquet(rows: Rows, schema: Schema) -> Content:
    """Rows as stored Parquet, mapped where it is large; equal rows give equal bytes."""
    row_bytes = _count_row_bytes(rows, schema)
    group_rows = min(max(_GROUP_BYTES // row_bytes, _MIN_GROUP_ROWS), _MAX_GROUP_ROWS)
    label_type = _get_label_type(rows.labels)
    tables = (_to_table(part, schema, label_type) for part in rows.slices(group_rows))
    content = encode_row_groups(tables, is_large=len(rows) * row_bytes >= SPOOL_BYTES)
    for column in rows.inputs.values():
        drop_pages(column)
    return content


def _count_row_bytes(rows: Rows, schema: Schema) -> int:
    """Bytes of the inputs of a row in memory; a category counts as its pointer, a text as its mean length."""
    columns = rows.inputs.values()
    row_bytes = sum(column.dtype.itemsize * int(np.prod(column.shape[1:])) for column in columns)
    texts = [rows.inputs[name] for name, spec in schema.inputs.items() if spec.type is InputType.TEXT]
    num_characters = sum(len(text) for column in texts for text in column if text is not None)
    return row_bytes + num_characters // max(len(rows), 1)


def _to_table(rows: Rows, schema: Schema, label_type: Any) -> Any:
    columns: dict[str, pa.Array] = {}
    for name, spec in schema.inputs.items():
        columns[name] = COLUMN_CODECS[spec.type].write(rows.inputs[name])
    columns[schema.label] = pa.array(rows.labels, label_type)
    if rows.tasks is not None and schema.task is not None:
        columns[schema.task] = pa.array(rows.tasks, pa.string())
    if rows.row_ids is not None and schema.id_column is not None:
        columns[schema.id_column] = pa.array(rows.row_ids, pa.string())
    columns[_ROW_HASH_COLUMN] = pa.array(rows.row_hashes, pa.uint64())
    return pa.table(columns)


def to_parquet_bytes(table: Any) -> bytes:
    """A table as stored Parquet; equal tables give equal bytes."""
    return bytes(encode_row_groups(iter([table]), is_large=False))


def encode_row_groups(tables: Iterator[Any], *, is_large: bool) -> Content:
    """Tables as the row groups of one stored Parquet file, mapped where it is large.

    Arrow writes into memory or a file of its own: a file object of Python would copy every page.
    """
    if not is_large:
        memory = pa.BufferOutputStream()
        _write_row_groups(tables, memory)
        return bytes(memory.getvalue())
    with open_temporary_file() as file:
        with pa.OSFile(f"/dev/fd/{file.fileno()}", "wb") as sink:  # the file has no other name
            _write_row_groups(tables, sink)
        return map_file(file)


def _write_row_groups(tables: Iterator[Any], sink: Any) -> None:
    """Write each table as one row group; there is at least one."""
    table = next(tables)
    dictionary_columns = [field.name for field in table.schema if pa.types.is_string(field.type)]
    codecs = {field.name: _choose_codec(field.type) for field in table.schema}
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression=codecs,
        compression_level={name: _ZSTD_LEVEL for name, codec in codecs.items() if codec == "zstd"},
        use_dictionary=dictionary_columns,  # for pixels or hashes a dictionary only costs time
    ) as writer:
        writer.write_table(table)
        for table in tables:
            writer.write_table(table)


def _choose_codec(arrow_type: Any) -> str:
    """LZ4 for pixels: zstd takes longer than decoding the images did, for files that are hardly smaller."""
    return "lz4" if pa.types.is_fixed_size_binary(arrow_type) else "zstd"


def from_parquet(content: Content, schema: Schema) -> Rows:
    """Rows from stored Parquet; raises KeyError or ValueError where it has another schema."""
    file = pq.ParquetFile(pa.BufferReader(content))
    groups = range(max(file.metadata.num_row_groups, 1))
    tables = (file.read_row_group(group) if file.metadata.num_row_groups else file.read() for group in groups)
    rows = _collect_rows((_from_table(table, schema) for table in tables), file.metadata.num_rows)
    drop_pages(content)
    return rows


def _collect_rows(parts: Iterator[Rows], num_rows: int) -> Rows:
    """All parts in order as one, one part at a time."""
    first = next(parts)
    if len(first) == num_rows:
        return first
    whole = Rows(
        {name: _allocate_like(column, num_rows) for name, column in first.inputs.items()},
        np.empty(num_rows, dtype=object),
        None if first.tasks is None else np.empty(num_rows, dtype=object),
        _allocate_like(first.row_hashes, num_rows),
        None if first.row_ids is None else np.empty(num_rows, dtype=object),
    )
    start = 0
    for part in chain([first], parts):
        for target, source in zip(whole.columns(), part.columns(), strict=True):
            target[start : start + len(part)] = source
        start += len(part)
    for column in whole.columns():
        drop_pages(column)
    return whole


def _allocate_like(column: Column, num_rows: int) -> Column:
    return allocate((num_rows, *column.shape[1:]), column.dtype)


def _from_table(table: Any, schema: Schema) -> Rows:
    inputs: dict[str, Column] = {}
    for name, spec in schema.inputs.items():
        inputs[name] = COLUMN_CODECS[spec.type].read(table.column(name), spec)
    return Rows(
        inputs,
        to_shared_objects(table.column(schema.label)),
        _read_text_column(table, schema.task),
        table.column(_ROW_HASH_COLUMN).to_numpy(),
        _read_text_column(table, schema.id_column),
    )


def _read_text_column(table: Any, name: str | None) -> Column | None:
    exists = name is not None and name in table.column_names
    return to_shared_objects(table.column(name)) if exists else None


def object_column(values: Sequence[object]) -> Column:
    """A one-dimensional object array of any values."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def to_label_array(labels: Column) -> pa.Array:
    """Labels as Arrow integers, or as text where any is text."""
    return pa.array(labels, _get_label_type(labels))


def _get_label_type(labels: Column) -> Any:
    return pa.string() if any(isinstance(label, str) for label in labels) else pa.int64()
