"""The files of a folder on any file system."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from growlearn.domain.errors import InvalidFile, TemporarilyUnreadable, VanishedFile

_log = logging.getLogger(__name__)
_HIDDEN_PREFIXES = (
    ".",
    "_committed_",
    "_started_",
)  # also files that dataset writers leave beside their data
_MARKER_FILES = ("_SUCCESS", "_metadata", "_common_metadata", "_delta_log", "_temporary")
_PARTIAL_SUFFIXES = (".tmp", ".part", ".crdownload")
_SYSTEM_NAMES = (  # what operating systems and storage boxes leave beside anyone's files, in lower case
    "thumbs.db",
    "thumbs.db:encryptable",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "picasa.ini",
    "icon\r",
    "__macosx",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
)
_SYSTEM_SUFFIX = ":zone.identifier"  # where Windows notes that a file was downloaded
MAX_CLOCK_SKEW_S = 60  # between this computer and the one that holds the files
_PERMANENT_ERRNOS = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One file in a folder.

    `path` is relative to the folder, with '/'; `fingerprint` changes when the content may have changed;
    `modified_at` is None where the file system does not record it.
    """

    path: str
    size_bytes: int
    modified_at: datetime | None
    fingerprint: str
    reject_reason: str | None = None


class FileTree(Protocol):
    """One folder on one file system."""

    base_url: str

    def list_files(self, depth: int | None, below: str = "") -> Sequence[FileEntry]:
        """Files by path, at most `depth` folders down (1: directly inside; None: all).

        Those `below` one folder inside alone, where it is named. Hidden and unfinished files are left out.
        Raises GrowLearnError where there is no such source folder.
        """
        ...

    def get_fingerprint(self, path: str) -> str:
        """The current fingerprint of one file; raises FileNotFoundError."""
        ...

    def read(self, path: str) -> bytes | memoryview:
        """Content of one file; raises FileNotFoundError, other OSErrors, or InvalidFile."""
        ...

    def add_file(self, name: str, content: bytes | memoryview) -> bool:
        """Write a whole file directly inside; False, and nothing written, where one of that name is there.

        Raises GrowLearnError where it cannot be written.
        """
        ...


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is hidden, still being written, or an operating system's own.

    >>> is_ignored("_SUCCESS"), is_ignored("a.parquet.part"), is_ignored("Thumbs.db"), is_ignored("_noise")
    (True, True, True, False)
    """
    lower = name.lower()
    return (
        name.startswith(_HIDDEN_PREFIXES)
        or name in _MARKER_FILES
        or lower in _SYSTEM_NAMES
        or lower.endswith((*_PARTIAL_SUFFIXES, _SYSTEM_SUFFIX))
    )


def find_files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of these suffixes anywhere below a folder of this computer, by path; ignored names left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and path.is_file()
        and not any(map(is_ignored, path.relative_to(folder).parts))
    )


def is_old_enough(entry: FileEntry, now: datetime, min_file_age_s: float) -> bool:
    """Whether a file was last modified long enough ago to be complete; always where no age is asked for.

    One dated in the future waits until then: whether it is still written to cannot be told. That is logged.
    """
    if entry.modified_at is None or min_file_age_s == 0:
        return True
    age_s = (now - entry.modified_at).total_seconds()
    if age_s < 0 and entry.reject_reason is not None:  # it is never read: its time does not matter
        return True
    if age_s < -MAX_CLOCK_SKEW_S:
        warn_of_future(entry.path, f"{entry.modified_at:%Y-%m-%d %H:%M:%S}")
    return age_s >= min_file_age_s


@lru_cache(maxsize=1024)  # once a process
def warn_of_future(path: str, when: str) -> None:
    """Say, once a process, that what is dated in the future holds up what comes after it."""
    _log.warning(
        "%s is dated %s UTC, in the future, and waits until then; correct its time, or the wrong clock",
        path,
        when,
    )


def read_unchanged(tree: FileTree, path: str, fingerprint: str) -> bytes | memoryview:
    """Content of a file that did not change while it was read.

    Raises InvalidFile where it may not be opened, TemporarilyUnreadable where it changed or vanished, or
    where the error may be temporary, such as an unreachable disk or server.
    """
    try:
        content = tree.read(path)
        current_fingerprint = tree.get_fingerprint(path)
    except FileNotFoundError:
        raise VanishedFile(f"{path} vanished between listing and reading") from None
    except OSError as error:
        if error.errno not in _PERMANENT_ERRNOS and not isinstance(error, PermissionError):
            raise TemporarilyUnreadable(
                f"{path} cannot be read just now: {error.strerror or error}"
            ) from error
        raise InvalidFile(
            f"{path} cannot be read: {error.strerror or error}",
            hint="fix it, then touch the file so that it is read again",
        ) from error
    if current_fingerprint != fingerprint:
        raise TemporarilyUnreadable(f"{path} changed while it was read")
    return content
