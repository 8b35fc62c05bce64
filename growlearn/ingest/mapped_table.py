"""Tables larger than memory: written batch by batch to a temporary Arrow file, and mapped from it."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from growlearn.ingest.csv_files import has_wide_characters
from growlearn.ingest.spool import Content, map_file, open_temporary_file, write_chunk

_CSV_BLOCK_BYTES = 16 * 2**20
_CR_ALONE = re.compile(rb"\r(?!\n)")
_QUOTE, _NEWLINE, _COMMA, _RETURN = b'"\n,\r'


def map_batches(schema: Any, batches: Iterator[Any]) -> tuple[Any, memoryview]:
    """A table whose columns lie in the returned memory, read only where they are touched.

    Raises Unavailable on a full disk, ArrowInvalid for a batch whose offsets point outside it.
    """
    with open_temporary_file() as file:
        sink = _Sink(file)
        with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
            for batch in batches:
                batch.validate(full=True)
                writer.write_batch(batch)
        mapped = map_file(file)
    return pa.ipc.open_stream(pa.BufferReader(mapped)).read_all(), mapped


class _Sink:
    """A file for Arrow to write to, that calls a full disk by its name."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, chunk: Any) -> int:
        """Write all of a chunk."""
        write_chunk(self._file, memoryview(chunk))
        return len(chunk)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """The file is closed by whoever opened it."""
        self.closed = True


def split_csv(content: Content) -> Iterator[bytes]:
    """CSV as several files of about 16 MiB with the same first line, cut between two records.

    A line's end within quotes is none. What cannot be cut is left whole: where it is no UTF-8, a quote stands
    where none may, the first line is empty, or lines end in CR alone.
    """
    is_utf8 = b"\0" not in bytes(content[:4]) and not has_wide_characters(bytes(content[:4]))
    header_end = _find_cut(content[:_CSV_BLOCK_BYTES], first=True) if is_utf8 else 0
    header = bytes(content[: max(header_end, 0)]).removeprefix(BOM_UTF8)
    if header_end == len(content) or not header.strip() or _CR_ALONE.search(header):
        yield bytes(content)
        return
    start = header_end
    while start < len(content):
        size, cut = _CSV_BLOCK_BYTES, 0
        while cut == 0 and start + size < len(content):
            cut = _find_cut(content[start : start + size], first=False)
            size *= 2
        end = start + cut if cut > 0 else len(content)
        yield bytes(content[:header_end]) + bytes(content[start:end])
        start = end


def _find_cut(part: Content, *, first: bool) -> int:
    """The end of the first or last record that ends in this part; 0 where none does, -1 for a stray quote.

    The part begins with a record. Where every opening quote follows a separator, the quotes before a line's
    end are even in number if and only if it ends a record.
    """
    cells = np.frombuffer(part, np.uint8)
    quotes = np.flatnonzero(cells == _QUOTE)
    before_opening = cells[quotes[::2] - 1] if len(quotes) else cells[:0]
    if len(quotes) and quotes[0] == 0:
        before_opening = before_opening[1:]
    if not np.isin(before_opening, (_NEWLINE, _COMMA, _RETURN, _QUOTE)).all():
        return -1
    ends = np.flatnonzero(cells == _NEWLINE)
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return 0 if not len(ends) else int(ends[0 if first else -1]) + 1
