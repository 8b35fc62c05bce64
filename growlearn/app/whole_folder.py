"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from growlearn.domain.errors import DiskFull, GrowLearnError, is_disk_full, make_write_error


@contextmanager
def write_whole_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside, which takes the name of `folder` when the block ends without an error.

    Raises GrowLearnError where `folder` is there and not empty, is the working folder, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise GrowLearnError(f"{folder} is not an empty folder", hint="name one that does not exist yet")
    target = folder.resolve()
    if target == Path.cwd():
        raise GrowLearnError(f"{folder} is the working folder", hint="name one that does not exist yet")
    part = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    try:
        part.mkdir(parents=True)
        yield part
        part.replace(target)
    except Exception as error:
        if is_disk_full(error):  # a library's error, or ours, which names the hidden folder
            raise DiskFull(f"the model cannot be written to {folder}") from error
        if isinstance(error, OSError):
            raise make_write_error(folder, error, "name a folder that can be written") from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
