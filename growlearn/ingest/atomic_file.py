"""Files that appear whole or not at all, and survive a power failure once they are there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Write under a hidden name beside, flush to the disk, then rename: no reader sees a partial file.

    The folder must exist; its new entry is flushed too. Raises OSError, and nothing is left then.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
