"""What a folder holds, whatever file system it lies on."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from growlearn.domain.errors import NotReadable, UnreadableFile

_HIDDEN = (".", "_committed_", "_started_")  # what writers of data sets leave beside them, too
_MARKS = ("_SUCCESS", "_metadata", "_common_metadata", "_delta_log", "_temporary")
_UNFINISHED = (".tmp", ".part", ".crdownload")
_LASTING = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One file in a folder.

    `path` is relative to the folder, with '/'; `stamp` changes when the content may have changed;
    `modified_at` is None where the file system does not tell.
    """

    path: str
    size_bytes: int
    modified_at: datetime | None
    stamp: str
    refused: str | None = None


class Tree(Protocol):
    """One folder on one file system."""

    base: str

    def find(self, depth: int | None) -> Sequence[Found]:
        """Files by path, at most `depth` folders down (1: directly inside; None: all).

        Hidden and unfinished files are left out. Raises GrowLearnError where there is no such folder.
        """
        ...

    def stamp(self, path: str) -> str:
        """The stamp of one file now; raises FileNotFoundError."""
        ...

    def read(self, path: str) -> bytes:
        """Content of one file; raises FileNotFoundError, other OSErrors, or UnreadableFile."""
        ...


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is hidden or still being written.

    >>> is_ignored("_SUCCESS"), is_ignored("a.parquet.part"), is_ignored("_noise")
    (True, True, False)
    """
    return name.startswith(_HIDDEN) or name in _MARKS or name.lower().endswith(_UNFINISHED)


def is_settled(found: Found, now: datetime, settle_s: float) -> bool:
    """Whether a file was last touched long enough ago to be whole.

    A time far in the future is another machine's wrong clock, not a file being written.
    """
    if found.modified_at is None:
        return True
    return abs((now - found.modified_at).total_seconds()) >= settle_s


def read_steady(tree: Tree, path: str, stamp: str) -> bytes:
    """Content of a file that is the same before and after it was read.

    Raises UnreadableFile where it may not be opened, NotReadable where it changed or vanished, or where the
    trouble, such as a disk or server that is away, may pass.
    """
    try:
        content = tree.read(path)
        after = tree.stamp(path)
    except FileNotFoundError:
        raise NotReadable(f"{path} vanished between listing and reading") from None
    except OSError as error:
        if error.errno not in _LASTING and not isinstance(error, PermissionError):
            raise NotReadable(f"{path} cannot be read just now: {error.strerror or error}") from error
        raise UnreadableFile(
            f"{path} cannot be read: {error.strerror or error}",
            cure="mend it, then touch the file so that it is tried again",
        ) from error
    if after != stamp:
        raise NotReadable(f"{path} changed while it was read")
    return content
