"""A folder on this machine; links out of it are listed as rejected and never opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from growlearn.adapters.sources.listing import FileEntry, is_ignored
from growlearn.domain.errors import GrowLearnError, InvalidFile, Unavailable
from growlearn.ingest.spool import read_or_spool

_OUTSIDE_REASON = "is a symbolic link that leads out of the folder"
_NOT_REGULAR_REASON = "is not a regular file"


class LocalTree:
    """One folder of the local file system."""

    def __init__(self, folder: str) -> None:
        self.base_url = os.path.abspath(folder)

    def list_files(self, depth: int | None) -> Sequence[FileEntry]:
        """Files by path, hidden and unfinished ones left out."""
        if not os.path.isdir(self.base_url):
            what = "is not a folder" if os.path.exists(self.base_url) else "does not exist"
            raise GrowLearnError(
                f"source folder {self.base_url} {what}",
                hint="create it, or correct source.url in the job file",
            )
        try:
            return sorted(self._walk("", depth), key=lambda entry: entry.path)
        except PermissionError as error:
            raise GrowLearnError(
                f"source folder {self.base_url} cannot be listed: {error.strerror}: {error.filename}",
                hint="let the user that runs growlearn read it",
            ) from error
        except OSError as error:
            raise Unavailable(
                f"source folder {self.base_url} cannot be listed: {error.strerror or error}",
                hint="is its disk or server there? then run again",
            ) from error

    def get_fingerprint(self, path: str) -> str:
        """Size and time of last change, to the nanosecond."""
        return _make_fingerprint(os.stat(self._make_full_path(path)))

    def read(self, path: str) -> bytes | memoryview:
        """Content of one file, unless it leads out of the folder or would block.

        A large one is mapped from a copy, which nobody else can change.
        """
        full = self._make_full_path(path)
        if not self._is_inside(full):
            raise InvalidFile(f"{path} {_OUTSIDE_REASON}")
        if not stat.S_ISREG(os.stat(full).st_mode):
            raise InvalidFile(f"{path} {_NOT_REGULAR_REASON}")
        with Path(full).open("rb") as file:
            return read_or_spool(file, os.fstat(file.fileno()).st_size)

    def _make_full_path(self, path: str) -> str:
        return os.path.join(self.base_url, path)

    def _is_inside(self, full: str) -> bool:
        return Path(os.path.realpath(full)).is_relative_to(os.path.realpath(self.base_url))

    def _walk(self, folder: str, depth: int | None) -> Iterator[FileEntry]:
        try:
            listing = os.scandir(self._make_full_path(folder))
        except (FileNotFoundError, NotADirectoryError):  # deleted since it was listed
            return
        with listing as entries:
            for entry in entries:
                if is_ignored(entry.name):
                    continue
                path = os.path.join(folder, entry.name)
                if not entry.is_dir(follow_symlinks=False):
                    yield from self._make_entries(path, entry.is_symlink())
                elif depth is None or depth > 1:
                    yield from self._walk(path, None if depth is None else depth - 1)

    def _make_entries(self, path: str, is_link: bool) -> Iterator[FileEntry]:
        full = self._make_full_path(path)
        outside = is_link and not self._is_inside(full)
        try:
            status = os.lstat(full) if outside else os.stat(full)
        except OSError as error:  # deleted since it was listed, or a link to nothing or to itself
            if is_link or isinstance(error, FileNotFoundError):
                return
            raise
        if is_link and stat.S_ISDIR(status.st_mode):  # its files are listed at their real path
            return
        reject_reason = (
            _OUTSIDE_REASON if outside else None if stat.S_ISREG(status.st_mode) else _NOT_REGULAR_REASON
        )
        yield FileEntry(
            path=path,
            size_bytes=status.st_size,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            fingerprint=_make_fingerprint(status),
            reject_reason=reject_reason,
        )


def _make_fingerprint(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"
