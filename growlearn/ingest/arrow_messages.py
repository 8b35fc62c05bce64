"""What an Arrow file says of its record batches, read before any of them is decoded.

A compressed buffer begins with its uncompressed size, and a batch says how many rows it has, whether or not
any byte stands for them. https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from growlearn.ingest.spool import Content

_MAGIC = b"ARROW1"
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_BLOCK = np.dtype([("offset", "<i8"), ("metadata", "<i4"), ("padding", "<i4"), ("body", "<i8")])
_BUFFER = np.dtype([("offset", "<i8"), ("length", "<i8")])


@dataclass(frozen=True)
class BatchSize:
    """Rows of a record batch or values of a dictionary, and bytes of its uncompressed buffers."""

    is_dictionary: bool
    rows: int
    num_bytes: int
    is_compressed: bool


def list_batch_sizes(content: Content) -> Iterator[BatchSize]:
    """The size of each batch of an Arrow file or stream, as it will be read.

    Raises ValueError or ArrowInvalid for one that is broken.
    """
    messages = (
        _read_file_messages(content) if bytes(content[:6]) == _MAGIC else _read_stream_messages(content)
    )
    try:
        for message in messages:
            size = _measure(message)
            if size is not None:
                yield size
    except (struct.error, IndexError) as error:
        raise ValueError("its metadata is broken") from error


def _read_stream_messages(content: Content) -> Iterator[Any]:
    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(content))
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _read_file_messages(content: Content) -> Iterator[Any]:
    """The messages that the footer names; it may name one several times."""
    (footer_length,) = struct.unpack_from("<i", content, len(content) - len(_MAGIC) - 4)
    end = len(content) - len(_MAGIC) - 4
    if not 0 < footer_length <= end:
        raise ValueError("its footer is broken")
    footer = bytes(content[end - footer_length : end])
    root = _follow(footer, 0)
    for index in (2, 3):  # dictionaries, record batches
        for block in _read_vector(footer, _find_field(footer, root, index), _BLOCK):
            start, length = int(block["offset"]), int(block["metadata"]) + int(block["body"])
            if start < 0 or length < 0 or start + length > len(content):
                raise ValueError("its footer points outside the file")
            yield pa.ipc.read_message(pa.py_buffer(content[start : start + length]))


def _measure(message: Any) -> BatchSize | None:
    """The size of a message's batch; None where it has none."""
    metadata = bytes(message.metadata)
    root = _follow(metadata, 0)
    kind_place, batch_place = _find_field(metadata, root, 1), _find_field(metadata, root, 2)
    kind = metadata[kind_place] if kind_place else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH) or not batch_place:
        return None
    batch = _follow(metadata, batch_place)
    if kind == _DICTIONARY_BATCH:
        batch = _follow(metadata, _find_field(metadata, batch, 1))
    length_place, compression = _find_field(metadata, batch, 0), _find_field(metadata, batch, 3)
    rows = struct.unpack_from("<q", metadata, length_place)[0] if length_place else 0
    buffers = _read_vector(metadata, _find_field(metadata, batch, 2), _BUFFER)
    num_bytes = _count_uncompressed(message.body, buffers) if compression else int(buffers["length"].sum())
    return BatchSize(kind == _DICTIONARY_BATCH, rows, num_bytes, bool(compression))


def _count_uncompressed(body: Any, buffers: Any) -> int:
    """Bytes of a body's buffers once each is uncompressed; a first word of -1 says that it is already."""
    view, total = memoryview(body), 0
    for offset, length in buffers[buffers["length"] > 0].tolist():
        (size,) = struct.unpack_from("<q", view, offset)
        if size < -1:
            raise ValueError("a buffer has a negative size")
        total += max(length - 8, 0) if size == -1 else size
    return total


# Flatbuffers: a table begins with the distance to its vtable, which has the place of each field.


def _follow(data: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", data, place)[0])


def _find_field(data: bytes, table: int, index: int) -> int:
    """The place of a table's field; 0 where it is not set."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    (size,) = struct.unpack_from("<H", data, vtable)
    if 4 + 2 * index >= size:
        return 0
    offset = int(struct.unpack_from("<H", data, vtable + 4 + 2 * index)[0])
    return table + offset if offset else 0


def _read_vector(data: bytes, place: int, kind: np.dtype[Any]) -> Any:
    """The structs of a vector; none where it is not set."""
    if not place:
        return np.empty(0, kind)
    start = _follow(data, place)
    (count,) = struct.unpack_from("<I", data, start)
    if start + 4 + count * kind.itemsize > len(data):
        raise ValueError("its metadata is broken")
    return np.frombuffer(data, kind, count, start + 4)
