"""A folder on this machine; links out of it are listed as rejected and never opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from growlearn.adapters.sources.listing import FileEntry, is_ignored
from growlearn.domain.errors import GrowLearnError, InvalidFile, Unavailable, make_write_error
from growlearn.ingest.atomic_file import write_atomically
from growlearn.ingest.spool import read_or_spool

_OUTSIDE_REASON = "is a symbolic link that leads out of the folder"
_NOT_REGULAR_REASON = "is not a regular file"
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY


class LocalTree:
    """One folder of the local file system."""

    def __init__(self, folder: str) -> None:
        self.base_url = os.path.abspath(folder)

    def list_files(self, depth: int | None, below: str = "") -> Sequence[FileEntry]:
        """Files by path, hidden and unfinished ones left out."""
        if not os.path.isdir(self.base_url):
            what = "is not a folder" if os.path.exists(self.base_url) else "does not exist"
            raise GrowLearnError(
                f"source folder {self.base_url} {what}",
                hint="create it, or correct source.url in the job file",
            )
        try:
            return sorted(self._walk(below, depth), key=lambda entry: entry.path)
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
        with os.fdopen(self._open(path), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InvalidFile(f"{path} {_NOT_REGULAR_REASON}")
            return read_or_spool(file, status.st_size, status.st_size + 1)  # it may grow meanwhile

    def _open(self, path: str) -> int:
        """A handle of the file that a path leads to; raises InvalidFile where that is outside the folder.

        Links are resolved once, and none is followed from there on: one that takes the place of a folder or
        of the file between the check and the opening leads nowhere. A pipe does not block.
        """
        folder = os.path.realpath(self.base_url)
        real = os.path.realpath(self._make_full_path(path))
        if not Path(real).is_relative_to(folder):
            raise InvalidFile(f"{path} {_OUTSIDE_REASON}")
        *folders, name = os.path.relpath(real, folder).split(os.sep)
        with ExitStack() as handles:
            handle = os.open(folder, _OPEN_FOLDER)
            handles.callback(os.close, handle)
            for each in folders:
                handle = os.open(each, _OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=handle)
                handles.callback(os.close, handle)
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)

    def add_file(self, name: str, content: bytes | memoryview) -> bool:
        """Write a file under a hidden name, flush it, then rename it: durable, and never seen in part."""
        target = Path(self._make_full_path(name))
        try:
            if target.exists():
                return False
            write_atomically(target, content)
        except OSError as error:
            hint = "is the folder there, and may the user that runs growlearn write to it?"
            raise make_write_error(target, error, hint) from error
        return True

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
