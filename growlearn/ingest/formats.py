"""Bytes of a file -> an Arrow table of the columns that are wanted, nothing yet checked but their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pyarrow import feather

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.schema import InputType, Schema

Choose = Callable[[Sequence[str]], list[str]]
"""From a file's column names to those to read; raises UnreadableFile where one is missing."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A table as its file holds it.

    `is_text` says that every cell is text, as in CSV; `row_names` names rows that have one.
    """

    table: Any  # pyarrow.Table
    is_text: bool = False
    row_names: tuple[str, ...] | None = None


def load(blobs: Mapping[str, bytes], schema: Schema, choose: Choose) -> Loaded:
    """Read one table file, or a folder of class folders of images; raises UnreadableFile."""
    if not blobs:
        raise UnreadableFile("the folder is empty")
    name, content = next(iter(blobs.items()))
    if len(blobs) > 1 or "/" in name:
        return _load_images(blobs, schema)
    return _load_table(name, content, choose)


def load_whole(name: str, content: bytes) -> Any:
    """Every column of one table file as it stands there, a CSV's as text; raises UnreadableFile."""
    return _load_table(name, content, list).table


def _load_table(name: str, content: bytes, choose: Choose) -> Loaded:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _FORMATS:
        raise UnreadableFile(
            f"the file is of an unknown kind ({suffix or 'no suffix'}); known are {', '.join(_FORMATS)}",
            cure="images go into class folders of a source of type image-folder",
        )
    if not content:
        raise UnreadableFile("the file is empty (0 bytes)")
    kind, read = _FORMATS[suffix]
    try:
        table = read(content, choose)
        table.validate(full=True)  # offsets and indices of a damaged file may lead out of it
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(f"the file is not valid {kind}: {_first_line(error)}") from error
    return Loaded(table, is_text=kind == "CSV")


def _first_line(error: BaseException) -> str:
    """What Arrow says, without the addresses and hints for programmers that may follow."""
    lines = str(error).splitlines()
    return re.sub(r"<Buffer>|'<[^>]*>'", "the file", lines[0]) if lines else type(error).__name__


def _load_parquet(content: bytes, choose: Choose) -> Any:
    file = pq.ParquetFile(pa.BufferReader(content))
    return file.read(columns=choose(file.schema_arrow.names))


def _load_arrow(content: bytes, choose: Choose) -> Any:
    source = pa.BufferReader(content)
    if content.startswith(b"FEA1"):  # the first form of Feather
        table = feather.read_table(source)
    elif content.startswith(b"ARROW1"):
        table = pa.ipc.open_file(source).read_all()
    else:
        table = pa.ipc.open_stream(source).read_all()
    wanted = choose(table.column_names)
    return table.select([place for place, name in enumerate(table.column_names) if name in wanted])


def _load_csv(content: bytes, choose: Choose) -> Any:
    """Every wanted column as text, so that no type is guessed from the first rows alone."""
    parsing = pacsv.ParseOptions(newlines_in_values=True)
    with pacsv.open_csv(pa.BufferReader(content), parse_options=parsing) as reader:
        check_separator(reader.schema.names)
        wanted = choose(reader.schema.names)
    convert = pacsv.ConvertOptions(
        include_columns=wanted,
        column_types=dict.fromkeys(wanted, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
    )
    return pacsv.read_csv(pa.BufferReader(content), parse_options=parsing, convert_options=convert)


def check_separator(names: Sequence[str]) -> None:
    """Raise ValueError for a CSV whose only column is several, by another separator than a comma."""
    found = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
    if found is not None:
        raise ValueError(f"its columns are separated by {found!r}; write it with commas")


def _load_images(blobs: Mapping[str, bytes], schema: Schema) -> Loaded:
    """One row a file: its bytes, and the name of the folder it lies in as label (None: in none)."""
    images = [name for name, spec in schema.inputs.items() if spec.type is InputType.IMAGE]
    if len(schema.inputs) != 1 or not images:
        raise UnreadableFile("a folder of images needs a schema whose only input is one image")
    for what, name in (("task", schema.task), ("key", schema.key)):
        if name is not None:
            raise UnreadableFile(
                f"a folder of images has no {what} column {name!r}", cure=f"leave {what} out of the schema"
            )
    names = tuple(sorted(blobs))
    labels = [name.split("/")[0] if "/" in name else None for name in names]
    table = pa.table(
        {
            images[0]: pa.array([blobs[name] for name in names], pa.large_binary()),
            schema.label: pa.array(labels, pa.string()),
        }
    )
    return Loaded(table, row_names=names)


_FORMATS: dict[str, tuple[str, Callable[[bytes, Choose], Any]]] = {
    ".parquet": ("Parquet", _load_parquet),
    ".pq": ("Parquet", _load_parquet),
    ".csv": ("CSV", _load_csv),
    ".arrow": ("Arrow", _load_arrow),
    ".feather": ("Arrow", _load_arrow),
    ".ipc": ("Arrow", _load_arrow),
}
