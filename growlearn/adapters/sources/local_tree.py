"""A folder on this machine; links out of it are told of and never opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from growlearn.adapters.sources.found import Found, is_ignored
from growlearn.domain.errors import GrowLearnError, Unavailable, UnreadableFile

_OUTSIDE = "is a symbolic link that leads out of the folder"
_ODD = "is not a regular file"


class LocalTree:
    """One folder of the local file system."""

    def __init__(self, folder: str) -> None:
        self.base = os.path.abspath(folder)

    def find(self, depth: int | None) -> Sequence[Found]:
        """Files by path, hidden and unfinished ones left out."""
        if not os.path.isdir(self.base):
            what = "is not a folder" if os.path.exists(self.base) else "does not exist"
            raise GrowLearnError(
                f"source folder {self.base} {what}", cure="create it, or correct source.url in the job file"
            )
        try:
            return sorted(self._walk("", depth), key=lambda found: found.path)
        except PermissionError as error:
            raise GrowLearnError(
                f"source folder {self.base} cannot be listed: {error.strerror}: {error.filename}",
                cure="let the user that runs growlearn read it",
            ) from error
        except OSError as error:
            raise Unavailable(
                f"source folder {self.base} cannot be listed: {error.strerror or error}",
                cure="is its disk or server there? then run again",
            ) from error

    def stamp(self, path: str) -> str:
        """Size and time of last change, to the nanosecond."""
        return _stamp(os.stat(self._full(path)))

    def read(self, path: str) -> bytes:
        """Content of one file, unless it leads out of the folder or would block."""
        full = self._full(path)
        if not self._inside(full):
            raise UnreadableFile(f"{path} {_OUTSIDE}")
        if not stat.S_ISREG(os.stat(full).st_mode):
            raise UnreadableFile(f"{path} {_ODD}")
        return Path(full).read_bytes()

    def _full(self, path: str) -> str:
        return os.path.join(self.base, path)

    def _inside(self, full: str) -> bool:
        return Path(os.path.realpath(full)).is_relative_to(os.path.realpath(self.base))

    def _walk(self, folder: str, depth: int | None) -> Iterator[Found]:
        try:
            listing = os.scandir(self._full(folder))
        except (FileNotFoundError, NotADirectoryError):  # gone since it was listed
            return
        with listing as entries:
            for entry in entries:
                if is_ignored(entry.name):
                    continue
                path = os.path.join(folder, entry.name)
                if not entry.is_dir(follow_symlinks=False):
                    yield from self._found(path, entry.is_symlink())
                elif depth is None or depth > 1:
                    yield from self._walk(path, None if depth is None else depth - 1)

    def _found(self, path: str, is_link: bool) -> Iterator[Found]:
        full = self._full(path)
        outside = is_link and not self._inside(full)
        try:
            status = os.lstat(full) if outside else os.stat(full)
        except OSError as error:  # gone since it was listed, or a link to nothing or to itself
            if is_link or isinstance(error, FileNotFoundError):
                return
            raise
        if is_link and stat.S_ISDIR(status.st_mode):  # its files are met where they really are
            return
        refused = _OUTSIDE if outside else None if stat.S_ISREG(status.st_mode) else _ODD
        yield Found(
            path=path,
            size_bytes=status.st_size,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            stamp=_stamp(status),
            refused=refused,
        )


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"
