"""Bytes of a CSV file -> an Arrow table; what could be read in two ways is refused."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.types as pt

_MAX_BLOCK_BYTES = 2**31 - 1  # pyarrow's block size is an int32
_BYTE_ORDER_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK_BYTES = 2**24
_MORE_MISSING_WORDS = (
    "None",
    "none",
    "NONE",
    "NaT",
    "nat",
    "na",
    "Null",
    "NAN",
)  # of those that pyarrow lacks
_CODE = r"^\s*(0[0-9]+|\+[0-9]+|[0-9]+[eE][0-9]+|0[xX][0-9a-fA-F]+)\s*$"  # as spelling.py tells them apart
_MEASURED = r"[-.]|[eE]\+"  # no code has a fraction, is below zero, or is written as programs write floats
_FIELD_END = b",\r\n"
# A quoted field; only a separator, a line's end or the file's may follow its closing quote.
_QUOTED_FIELD = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"(?=[,\r\n]|\Z)')


def read_csv(content: bytes, select_columns: Callable[[Sequence[str]], list[str]]) -> Any:
    """The selected columns as text, so that no type is inferred from the first rows alone; empty is null.

    Raises ValueError or ArrowInvalid, whose message says what to do, for a file that is not CSV with commas.
    """
    text = _decode(content)
    names = _read_column_names(text)
    wanted = select_columns(names)
    if len(set(names)) == len(names):
        return _parse(text, _read_as_text(wanted))
    numbers = [str(position) for position in range(len(names))]  # by name both of two would be the first
    included = [numbers[position] for position in _find_positions(names, wanted)]
    return _parse(text, _read_as_text(included), numbers).rename_columns(wanted)


def _read_as_text(names: list[str], missing: Sequence[str] = ("",)) -> pacsv.ConvertOptions:
    return pacsv.ConvertOptions(
        include_columns=names,
        column_types=dict.fromkeys(names, pa.string()),
        null_values=missing,
        strings_can_be_null=True,
    )


def _find_positions(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the wanted columns stand; of a name that is wanted twice, the first and the second."""
    places: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        places.setdefault(name, []).append(position)
    return [places[name].pop(0) for name in wanted]


def infer_csv(content: bytes) -> tuple[Any, dict[str, str]]:
    """Every column, with the type that all its cells have, and one cell of each column that holds codes.

    Codes such as `007` stay text, although all their cells can be read as numbers. So do times of day.
    """
    text = _decode(content)
    _read_column_names(text)
    missing = sorted({*pacsv.ConvertOptions().null_values, *_MORE_MISSING_WORDS})
    table = _parse(text, pacsv.ConvertOptions(null_values=missing))
    if len(set(table.column_names)) < table.num_columns:
        return table, {}  # which of two is meant is not known
    names = [field.name for field in table.schema if _may_be_text(field.type)]
    cells = _parse(text, _read_as_text(names, missing)) if names else table.select([])
    codes = {name: code for name in names if (code := find_code(cells.column(name))) is not None}
    for place, field in enumerate(table.schema):
        if field.name in codes or pt.is_time(field.type):
            table = table.set_column(place, field.name, cells.column(field.name))
    return table, codes


def _may_be_text(inferred_type: Any) -> bool:
    return bool(pt.is_integer(inferred_type) or pt.is_floating(inferred_type) or pt.is_time(inferred_type))


def find_code(cells: Any) -> str | None:
    """A cell of a column of numbers that says they are codes, such as `007`; None where they are measured."""
    codes = cells.filter(pc.match_substring_regex(cells, _CODE))
    if not len(codes) or pc.any(pc.match_substring_regex(cells, _MEASURED)).as_py():
        return None
    return str(codes[0])


def has_wide_characters(start: bytes) -> bool:
    """Whether a file that begins so says that it is UTF-16 or UTF-32."""
    return start.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS))


def _decode(content: bytes) -> bytes:
    """The content as UTF-8 without a byte order mark; by it UTF-16 and UTF-32 are known."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), None)
    if encoding is not None:
        try:
            return content.decode(encoding).encode()
        except UnicodeDecodeError as error:
            raise ValueError(f"it begins like {encoding.upper()}, but is not ({error.reason})") from None
    if b"\0" in content[:4]:
        raise ValueError("it looks like UTF-16 without a byte order mark; save it as UTF-8")
    return content.removeprefix(codecs.BOM_UTF8)


def _parse(text: bytes, convert_options: pacsv.ConvertOptions, names: Sequence[str] | None = None) -> Any:
    """A table from UTF-8 text; `names` take the place of those in its first line.

    It is parsed in one block: pyarrow 25 drops bytes of a quoted line break that lies on the border of two
    blocks, and fails on lines longer than a block.
    """
    if len(text) > _MAX_BLOCK_BYTES and b'"' in text:
        raise ValueError("it is larger than 2 GB and has quoted fields; split it, or write it as Parquet")
    try:
        return pacsv.read_csv(
            pa.BufferReader(text),
            read_options=pacsv.ReadOptions(
                block_size=min(len(text) + 1, _MAX_BLOCK_BYTES),
                column_names=names,
                skip_rows_after_names=0 if names is None else 1,
            ),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=convert_options,
        )
    except pa.ArrowInvalid:
        _check_utf8(text)
        raise


def _read_column_names(text: bytes) -> list[str]:
    _check_quotes(text)
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    try:
        names = next((row for row in csv.reader(lines) if row), [])
    except csv.Error as error:
        raise ValueError(f"its first line is no line of column names: {error}") from None
    except UnicodeDecodeError:
        _check_utf8(text)
        raise
    separator = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
    if separator is not None:
        raise ValueError(f"its columns are separated by {separator!r}; write it with commas")
    return names


def _check_quotes(text: bytes) -> None:
    """Refuse a quoted field that is not closed: it would take the following rows into its value."""
    if b'"' not in text or _quotes_pair_up(text):
        return
    quote = text.find(b'"')
    while quote >= 0:
        begins_field = quote == 0 or text[quote - 1] in _FIELD_END
        field = _QUOTED_FIELD.match(text, quote) if begins_field else None
        if begins_field and field is None:
            raise ValueError(
                f"the quoted field that begins in line {_line_number(text, quote)} has no closing quote "
                'before a comma or the end of a line; a quote inside a quoted field is written twice ("")'
            )
        quote = text.find(b'"', quote + 1 if field is None else field.end())


def _quotes_pair_up(text: bytes) -> bool:
    """Whether every other quote begins a field and the next one ends it; two in a row stand for one.

    A file with a quote within a field that is not quoted may be right although this is false.
    """
    data = np.frombuffer(text, np.uint8)
    may_be_beside = np.zeros(256, dtype=bool)
    may_be_beside[list(_FIELD_END + b'"')] = True
    num_quotes = 0
    for start in range(0, len(data), _CHUNK_BYTES):
        quotes = start + np.flatnonzero(data[start : start + _CHUNK_BYTES] == ord('"'))
        opens, closes = quotes[num_quotes % 2 :: 2], quotes[1 - num_quotes % 2 :: 2]
        is_right = may_be_beside[data[opens - 1]].all(where=opens > 0)
        is_right &= may_be_beside[data[(closes + 1) % len(data)]].all(where=closes + 1 < len(data))
        if not is_right:
            return False
        num_quotes += len(quotes)
    return num_quotes % 2 == 0


def _check_utf8(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = _line_number(text, error.start)
        raise ValueError(
            f"byte 0x{text[error.start]:02x} in line {line} is not UTF-8; save the file as UTF-8"
        ) from None


def _line_number(text: bytes, position: int) -> int:
    """Lines count from 1; each of CR, LF and CR LF ends one."""
    before = text[:position]
    return 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
