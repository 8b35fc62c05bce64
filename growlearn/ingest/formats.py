"""Bytes of a file -> an Arrow table of the selected columns; only their names are checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from growlearn.domain.errors import InvalidFile
from growlearn.domain.file_limits import DEFAULT_LIMITS, FileLimits
from growlearn.domain.schema import InputType, Schema
from growlearn.ingest.arrow_messages import list_batch_sizes
from growlearn.ingest.csv_files import read_csv
from growlearn.ingest.expansion import Expansion
from growlearn.ingest.mapped_table import map_batches, split_csv
from growlearn.ingest.parquet_pages import list_column_sizes
from growlearn.ingest.spool import SPOOL_BYTES, Content

SelectColumns = Callable[[Sequence[str]], list[str]]
"""From a file's column names to those to read; raises InvalidFile where one is missing."""

_FEATHER_V1 = b"FEA1"
_BATCH_ROWS = 65_536
_PART_BYTES = 64 * 2**20  # decoded at once
_DELTA_BYTES = 256 * 2**20  # the same at worst, of texts that share their beginnings


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as stored in its file.

    `cells_are_text` says that every cell is text, as in CSV; `row_names` are names of rows, if any. A large
    table lies in a temporary file, from which it is `mapped`.
    """

    table: Any  # pyarrow.Table
    cells_are_text: bool = False
    row_names: tuple[str, ...] | None = None
    mapped: memoryview | None = None

    def select(self, names: Sequence[str]) -> RawTable:
        """The same with these columns alone, in the table's order."""
        indices = [index for index, name in enumerate(self.table.column_names) if name in names]
        return replace(self, table=self.table.select(indices))


def load_raw_table(
    blobs: Mapping[str, Content],
    schema: Schema,
    select_columns: SelectColumns = list,
    limits: FileLimits = DEFAULT_LIMITS,
) -> RawTable:
    """Read one table file, or a folder of class folders of images; raises InvalidFile.

    What the file claims to hold is held against the limits before it is decoded.
    """
    if not blobs:
        raise InvalidFile("the folder is empty")
    name, content = next(iter(blobs.items()))
    expansion = Expansion(schema, limits)
    if len(blobs) > 1 or "/" in name:
        raw_table = _load_image_folder(blobs, schema)
        expansion.add(raw_table.table)
        return raw_table
    return _load_table(name, content, select_columns, expansion)


def load_all_columns(name: str, content: Content, limits: FileLimits = DEFAULT_LIMITS) -> Any:
    """Every column of one table file, unconverted, a CSV's as text; raises InvalidFile."""
    return _load_table(name, content, list, Expansion(None, limits)).table


def _load_table(name: str, content: Content, select_columns: SelectColumns, expansion: Expansion) -> RawTable:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _FILE_FORMATS:
        raise InvalidFile(
            f"the file is of an unknown kind ({suffix or 'no suffix'}); known are {', '.join(_FILE_FORMATS)}",
            hint="images go into class folders of a source of type image-folder",
        )
    if not content:
        raise InvalidFile("the file is empty (0 bytes)")
    format_name, read_table, read_parts = _FILE_FORMATS[suffix]
    mapped = None
    try:
        # A small file may be large once it is decoded: then it is read part by part as a large one is.
        limits = expansion.limits
        table = read_table(bytes(content), select_columns, limits) if len(content) < SPOOL_BYTES else None
        if table is None:
            arrow_schema, batches = read_parts(content, select_columns, limits)
            table, mapped = map_batches(arrow_schema, _measure(batches, expansion))
        else:
            expansion.add(table)
            table.validate(full=True)  # offsets and indices of a corrupt file may point outside it
    except (pa.ArrowMemoryError, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidFile(f"the file is not valid {format_name}: {_summarize_arrow_error(error)}") from error
    return RawTable(table, cells_are_text=format_name == "CSV", mapped=mapped)


def _measure(batches: Iterator[Any], expansion: Expansion) -> Iterator[Any]:
    """The batches, until they become more than is allowed."""
    for batch in batches:
        expansion.add(batch)
        yield batch


def _summarize_arrow_error(error: BaseException) -> str:
    """Arrow's message, without memory addresses and hints for programmers."""
    lines = str(error).splitlines()
    return re.sub(r"<Buffer>|'<[^>]*>'", "the file", lines[0]) if lines else type(error).__name__


# Parquet --------------------------------------------------------------------------------------------


def _load_parquet(content: bytes, select_columns: SelectColumns, limits: FileLimits) -> Any | None:
    file, wanted, batch_rows = _open_parquet(content, select_columns, limits)
    return file.read(columns=wanted) if batch_rows is None else None


def _read_parquet_parts(
    content: Content, select_columns: SelectColumns, limits: FileLimits
) -> tuple[Any, Iterator[Any]]:
    file, wanted, batch_rows = _open_parquet(content, select_columns, limits)
    batches = file.iter_batches(columns=wanted, batch_size=batch_rows or _BATCH_ROWS)
    first = next(batches, None)
    if first is None:
        empty = file.read(columns=wanted)
        return empty.schema, iter(empty.to_batches())
    return first.schema, chain([first], batches)


def _open_parquet(
    content: Content, select_columns: SelectColumns, limits: FileLimits
) -> tuple[Any, list[str], int | None]:
    """The file, the columns to read, and how many rows to decode at once; None for all.

    Raises InvalidFile where its pages hold more than the limits allow.
    """
    file = pq.ParquetFile(pa.BufferReader(content))
    wanted = select_columns(file.schema_arrow.names)
    limits.check_rows(file.metadata.num_rows)
    sizes = list(list_column_sizes(content, file.metadata, frozenset(wanted)))
    num_bytes = sum(size.num_bytes for size in sizes)
    limits.check_bytes(num_bytes)
    max_page = max((size.max_page_bytes for size in sizes), default=0)
    limits.check_memory(max_page, "a page of the file")
    shared = {size.path for size in sizes if size.num_values * size.dictionary_bytes > _PART_BYTES}
    if shared:  # values that many rows share stay in a dictionary
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=sorted(shared))
    num_rows = file.metadata.num_rows
    row_bytes = max(num_bytes // max(num_rows, 1), 1)
    batch_rows = min(max(_PART_BYTES // row_bytes, 1), _BATCH_ROWS)
    delta_page = max((size.max_page_bytes for size in sizes if size.delta), default=0)
    if delta_page * num_rows > _DELTA_BYTES:  # any row may be as long as its page
        return file, wanted, min(batch_rows, max(_DELTA_BYTES // delta_page, 1))
    return file, wanted, None if num_bytes <= _PART_BYTES else batch_rows


# Arrow ----------------------------------------------------------------------------------------------


def _load_arrow(content: bytes, select_columns: SelectColumns, limits: FileLimits) -> Any | None:
    if not _fits_in_memory(content, limits):
        return None
    source = pa.BufferReader(content)
    if content.startswith(_FEATHER_V1):
        table = feather.read_table(source)
    elif content.startswith(b"ARROW1"):
        table = pa.ipc.open_file(source).read_all()
    else:
        table = pa.ipc.open_stream(source).read_all()
    wanted = select_columns(table.column_names)
    return table.select([index for index, name in enumerate(table.column_names) if name in wanted])


def _fits_in_memory(content: Content, limits: FileLimits) -> bool:
    """Whether an Arrow file is small once it is decoded; raises InvalidFile for one larger than allowed."""
    if bytes(content[:4]) == _FEATHER_V1:  # never compressed
        return True
    num_rows = num_bytes = 0
    for size in list_batch_sizes(content):
        num_rows += 0 if size.is_dictionary else size.rows
        num_bytes += size.num_bytes
        limits.check_rows(max(num_rows, size.rows))
        limits.check_bytes(num_bytes)
        limits.check_memory(size.num_bytes if size.is_compressed else 0, "a compressed part of the file")
    return num_bytes <= _PART_BYTES


def _read_arrow_parts(
    content: Content, select_columns: SelectColumns, limits: FileLimits
) -> tuple[Any, Iterator[Any]]:
    _fits_in_memory(content, limits)
    source = pa.BufferReader(content)
    if bytes(content[:4]) == _FEATHER_V1:
        table = feather.read_table(source)
        schema, batches = table.schema, iter(table.to_batches())
    elif bytes(content[:6]) == b"ARROW1":
        file = pa.ipc.open_file(source)
        schema, batches = file.schema, (file.get_batch(index) for index in range(file.num_record_batches))
    else:
        stream = pa.ipc.open_stream(source)
        schema, batches = stream.schema, iter(stream)
    wanted = select_columns(schema.names)
    indices = [index for index, name in enumerate(schema.names) if name in wanted]
    kept = pa.schema([schema.field(index) for index in indices], schema.metadata)
    return kept, (
        pa.record_batch([batch.column(index) for index in indices], schema=kept) for batch in batches
    )


# CSV and images -------------------------------------------------------------------------------------


def _load_csv(content: bytes, select_columns: SelectColumns, _: FileLimits) -> Any:
    return read_csv(content, select_columns)


def _read_csv_parts(
    content: Content, select_columns: SelectColumns, _: FileLimits
) -> tuple[Any, Iterator[Any]]:
    def read_part(part: bytes) -> Any:
        try:
            return read_csv(part, select_columns)
        except ValueError:
            read_csv(bytes(content), select_columns)  # its message counts the lines of the whole file
            raise

    tables = map(read_part, split_csv(content))
    first = next(tables)
    batches = (batch for table in chain([first], tables) for batch in table.to_batches())
    return first.schema, batches


def _load_image_folder(blobs: Mapping[str, Content], schema: Schema) -> RawTable:
    """One row a file: its bytes, and the name of its folder as label (None: no folder)."""
    images = [name for name, spec in schema.inputs.items() if spec.type is InputType.IMAGE]
    if len(schema.inputs) != 1 or not images:
        raise InvalidFile("a folder of images needs a schema whose only input is one image")
    for role, name in (("task", schema.task), ("id_column", schema.id_column)):
        if name is not None:
            raise InvalidFile(
                f"a folder of images has no column {name!r} for schema.{role}",
                hint=f"leave {role} out of the schema",
            )
    names = tuple(sorted(blobs))
    labels = [name.split("/")[0] if "/" in name else None for name in names]
    table = pa.table(
        {
            images[0]: pa.array([bytes(blobs[name]) for name in names], pa.large_binary()),
            schema.label: pa.array(labels, pa.string()),
        }
    )
    return RawTable(table, row_names=names)


_ReadTable = Callable[[bytes, SelectColumns, FileLimits], Any]
_ReadParts = Callable[[Content, SelectColumns, FileLimits], tuple[Any, Iterator[Any]]]

_FILE_FORMATS: dict[str, tuple[str, _ReadTable, _ReadParts]] = {
    ".parquet": ("Parquet", _load_parquet, _read_parquet_parts),
    ".pq": ("Parquet", _load_parquet, _read_parquet_parts),
    ".csv": ("CSV", _load_csv, _read_csv_parts),
    ".arrow": ("Arrow", _load_arrow, _read_arrow_parts),
    ".feather": ("Arrow", _load_arrow, _read_arrow_parts),
    ".ipc": ("Arrow", _load_arrow, _read_arrow_parts),
}
