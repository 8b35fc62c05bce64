"""What the pages of a Parquet file hold, by their headers, read before any of them is decoded.

The footer's sizes are of the encoded values, and nobody checks them: a page of a few bytes may stand for
millions of values. Headers are Thrift structs in the compact protocol.
https://parquet.apache.org/docs/file-format/data-pages/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from growlearn.ingest.spool import Content

_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 0, 2, 3
_DELTA_BYTE_ARRAY = 7
_DICTIONARY_ENCODINGS = (2, 8)
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}  # bytes of a value
_INDEX_BYTES = 4
_MAX_HEADER_BYTES = 2**20  # statistics may hold long values
_MAX_DEPTH = 8
_BOOLEANS, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (1, 2), (3, 4, 5, 6), 7, 8, (9, 10), 11, 12


@dataclass(frozen=True)
class ColumnSize:
    """One column of a row group: its dotted path, values, and bytes once decoded.

    Where `dictionary_bytes` is not 0, `num_bytes` is that of values which stay in their dictionary. Values of
    a `delta` column may share their beginnings, up to `max_page_bytes` each, and have to be read to be known.
    """

    path: str
    num_values: int
    num_bytes: int
    max_page_bytes: int
    dictionary_bytes: int
    delta: bool


def list_column_sizes(content: Content, metadata: Any, names: frozenset[str]) -> Iterator[ColumnSize]:
    """The size of each column of these names in each row group of pyarrow's FileMetaData.

    Raises ValueError where a page header is broken.
    """
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            if chunk.path_in_schema.partition(".")[0] in names:
                yield _measure(content, chunk, metadata.schema.column(index).length)


def _measure(content: Content, chunk: Any, fixed_length: int) -> ColumnSize:
    num_values = page_bytes = max_page_bytes = dictionary_bytes = 0
    delta = has_indices = False
    for page in _read_pages(content, chunk):
        page_bytes += page.num_bytes
        max_page_bytes = max(max_page_bytes, page.num_bytes)
        if page.kind == _DICTIONARY_PAGE:
            dictionary_bytes += page.num_bytes
            continue
        num_values += page.num_values
        delta |= page.encoding == _DELTA_BYTE_ARRAY
        has_indices |= page.encoding in _DICTIONARY_ENCODINGS
    width = (
        fixed_length if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(chunk.physical_type, 0)
    )
    is_variable = width == 0 and not fixed_length
    return ColumnSize(
        chunk.path_in_schema,
        num_values,
        num_values * (width or _INDEX_BYTES) + (page_bytes if is_variable else 0),
        max_page_bytes,
        dictionary_bytes if is_variable and has_indices else 0,
        delta and is_variable,
    )


@dataclass(frozen=True)
class _Page:
    kind: int
    num_bytes: int
    num_values: int
    encoding: int


def _read_pages(content: Content, chunk: Any) -> Iterator[_Page]:
    """The pages that a reader reads: until it has the column's values, or its bytes end."""
    place = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < place:
        place = chunk.dictionary_page_offset
    end, remaining = min(place + chunk.total_compressed_size, len(content)), chunk.num_values
    if place < 0:
        raise ValueError("a column begins outside the file")
    while place < end and remaining > 0:
        reader = _Thrift(content[place : min(place + _MAX_HEADER_BYTES, len(content))])
        header = reader.read_struct()
        kind, num_bytes, compressed = (_integer(header, field) for field in (1, 2, 3))
        body = header.get({_DATA_PAGE: 5, _DICTIONARY_PAGE: 7, _DATA_PAGE_V2: 8}.get(kind, 0))
        values = body if isinstance(body, dict) else {}
        page = _Page(
            kind, num_bytes, _integer(values, 1), _integer(values, 4 if kind == _DATA_PAGE_V2 else 2)
        )
        if min(page.num_bytes, page.num_values, compressed) < 0:
            raise ValueError("a page has a negative size")
        yield page
        remaining -= page.num_values if kind in (_DATA_PAGE, _DATA_PAGE_V2) else 0
        place += reader.place + compressed


def _integer(struct: dict[int, Any], field: int) -> int:
    value = struct.get(field, 0)
    return value if isinstance(value, int) else 0


class _Thrift:
    """A reader of the compact protocol; what is no number or struct is skipped."""

    def __init__(self, data: Content) -> None:
        self._data, self.place, self._depth = data, 0, 0

    def read_struct(self) -> dict[int, Any]:
        """The fields of a struct by their ids: numbers and structs; raises ValueError."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("a page header is nested too deep")
        fields: dict[int, Any] = {}
        field = 0
        while head := self._read_byte():
            kind, step = head & 15, head >> 4
            field = field + step if step else self._read_zigzag()
            fields[field] = self._read_value(kind)
        self._depth -= 1
        return fields

    def _read_value(self, kind: int) -> Any:
        if kind in _BOOLEANS:
            return None
        if kind in _INTEGERS:
            return self._read_byte() if kind == _INTEGERS[0] else self._read_zigzag()
        if kind == _STRUCT:
            return self.read_struct()
        if kind == _DOUBLE:
            self.place += 8
        elif kind == _BINARY:
            length = self._read_varint()  # before the place is read: it moves that
            self.place += length
        elif kind in _LISTS:
            self._skip_list()
        else:
            raise ValueError("a page header is broken")
        return None

    def _skip_list(self) -> None:
        head = self._read_byte()
        kind, count = head & 15, head >> 4
        for _ in range(self._read_varint() if count == 15 else count):
            if kind in _BOOLEANS:
                self.place += 1
            else:
                self._read_value(kind)

    def _read_byte(self) -> int:
        if self.place >= len(self._data):
            raise ValueError("a page header is cut short")
        self.place += 1
        return self._data[self.place - 1]

    def _read_varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._read_byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError("a page header has a number of more than 64 bits")

    def _read_zigzag(self) -> int:
        value = self._read_varint()
        return (value >> 1) ^ -(value & 1)
