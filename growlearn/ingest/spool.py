"""Arrays and bytes that are too large for memory: in unnamed temporary files, mapped page by page.

The system writes changed pages out and drops unchanged ones when it needs memory. The files lie in the folder
that TMPDIR names, have no name there, and are gone when nobody reads them any more or the process ends.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from growlearn.domain.errors import DiskFull, Unavailable, is_disk_full

Content: TypeAlias = bytes | memoryview
"""The bytes of a file: in memory, or mapped."""

SPOOL_BYTES = 16 * 2**20
"""From this size on an array or a file is mapped instead of held in memory."""


def allocate(
    shape: tuple[int, ...], dtype: npt.DTypeLike, max_in_memory: int | None = None
) -> npt.NDArray[Any]:
    """An array to be filled: in memory, or mapped where it has `max_in_memory` bytes (SPOOL_BYTES) or more.

    Raises Unavailable on a full disk.
    """
    num_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if num_bytes < (SPOOL_BYTES if max_in_memory is None else max_in_memory) or np.dtype(dtype).hasobject:
        return np.empty(shape, dtype)
    with open_temporary_file() as file:
        _reserve(file, num_bytes)
        mapped = mmap.mmap(file.fileno(), num_bytes)
    return np.frombuffer(mapped, dtype).reshape(shape)


def allocate_zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of zeros, allocated in the same way; unwritten pages of a new file read as zeros."""
    array = allocate(shape, dtype)
    if not _is_mapped(array):
        array.fill(0)
    return array


def _is_mapped(array: npt.NDArray[Any]) -> bool:
    return isinstance(_find_base(array), mmap.mmap)


def _find_base(data: Content | npt.NDArray[Any]) -> Any:
    """The object whose memory an array or a view lies in."""
    base: Any = data
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return base.obj if isinstance(base, memoryview) else base


def spool_array(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself, or a mapped copy of a large one that is not mapped yet."""
    if array.nbytes < SPOOL_BYTES or array.dtype.hasobject or _is_mapped(array):
        return array
    spooled = allocate(array.shape, array.dtype)
    spooled[:] = array
    drop_pages(spooled)
    return spooled


def read_or_spool(file: IO[bytes], size: int, max_bytes: int = -1) -> Content:
    """The rest of an open file of about this size: in memory, or as a mapped copy where it is large.

    At most `max_bytes` are read, and all of it by default.
    """
    if size < SPOOL_BYTES:
        return file.read(max_bytes)
    return write_spool(_read_chunks(file, max_bytes))


def _read_chunks(file: IO[bytes], max_bytes: int) -> Iterator[bytes]:
    remaining = max_bytes if max_bytes >= 0 else sys.maxsize
    while chunk := file.read(min(SPOOL_BYTES, remaining)):
        remaining -= len(chunk)
        yield chunk


def write_spool(chunks: Iterable[bytes | memoryview]) -> memoryview:
    """All chunks one after the other as mapped bytes; raises Unavailable on a full disk."""
    with open_temporary_file() as file:
        for chunk in chunks:
            write_chunk(file, chunk)
        return map_file(file)


def write_chunk(file: IO[bytes], chunk: bytes | memoryview) -> None:
    """Write to a temporary file; raises Unavailable on a full disk."""
    try:
        file.write(chunk)
    except OSError as error:
        raise _make_write_error(error) from error


def map_file(file: IO[bytes]) -> memoryview:
    """The content of an open file, readable after it is closed; its file must not be truncated meanwhile."""
    file.flush()
    size = os.fstat(file.fileno()).st_size
    return memoryview(mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)) if size else memoryview(b"")


def drop_pages(data: Content | npt.NDArray[Any]) -> None:
    """Take mapped pages out of this process's memory until they are read again; others stay as they are."""
    base = _find_base(data)
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)


def open_temporary_file() -> IO[bytes]:
    """A file without a name; it is deleted when it is closed and no longer mapped."""
    return tempfile.TemporaryFile(prefix="growlearn-")


def _reserve(file: IO[bytes], num_bytes: int) -> None:
    """Reserve the space now: writing to a mapped page of a full disk would kill the process."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, num_bytes)
        else:
            file.truncate(num_bytes)
    except OSError as error:
        raise _make_write_error(error) from error


def _make_write_error(error: OSError) -> Unavailable:
    what = f"rows cannot be written to temporary files in {tempfile.gettempdir()}"
    hint = "free space there, or let TMPDIR name a folder on a larger disk"
    if is_disk_full(error):
        return DiskFull(what, hint=hint)
    return Unavailable(f"{what}: {error.strerror or error}", hint=hint)
