"""A folder on any other fsspec file system, such as an object store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem

from growlearn.adapters.sources.found import Found, is_ignored
from growlearn.domain.errors import GrowLearnError, Unavailable

# What the common file systems call a checksum, and the time of the last change.
_CHECKSUMS = ("ETag", "etag", "md5Hash", "md5", "checksum", "content_md5")
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated")


def unreachable(url: str, error: Exception) -> Unavailable:
    """What to say of a file system that does not answer."""
    return Unavailable(
        f"source folder {url} cannot be reached: {str(error) or type(error).__name__}",
        cure="is its server there, and are the credentials right? then run again",
    )


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Each file system raises errors of its own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error)) from error


class RemoteTree:
    """One folder of an fsspec file system."""

    def __init__(self, filesystem: AbstractFileSystem, folder: str) -> None:
        self._fs = filesystem
        self._root = folder.rstrip("/")
        self.base: str = filesystem.unstrip_protocol(self._root)

    def find(self, depth: int | None) -> Sequence[Found]:
        """Files by path, hidden and unfinished ones left out."""
        self._fs.invalidate_cache()  # a listing remembered from the last tick would hide new files
        try:
            there = self._fs.isdir(self._root)
            listing = self._fs.find(self._root, maxdepth=depth, detail=True) if there else {}
            found = [self._found(name[len(self._root) :].lstrip("/"), info) for name, info in listing.items()]
        except Exception as error:  # each file system raises errors of its own
            raise unreachable(self.base, error) from error
        if not there:
            raise GrowLearnError(
                f"source folder {self.base} does not exist or holds nothing yet",
                cure="put a first file there, or correct source.url in the job file",
            )
        shown = [file for file in found if not any(map(is_ignored, file.path.split("/")))]
        return sorted(shown, key=lambda file: file.path)

    def stamp(self, path: str) -> str:
        """Checksum where the file system keeps one, else size and time of last change."""
        self._fs.invalidate_cache()
        with _as_os_errors():
            return self._found(path, self._fs.info(f"{self._root}/{path}")).stamp

    def read(self, path: str) -> bytes:
        """Content of one file."""
        with _as_os_errors():
            content: bytes = self._fs.cat_file(f"{self._root}/{path}")
        return content

    def _found(self, path: str, info: dict[str, Any]) -> Found:
        modified_at = self._modified_at(path, info)
        checksum = next((str(info[key]) for key in _CHECKSUMS if info.get(key)), None)
        size = int(info.get("size") or 0)
        return Found(
            path=path,
            size_bytes=size,
            modified_at=modified_at,
            stamp=checksum or f"{size}-{modified_at.timestamp() if modified_at else ''}",
        )

    def _modified_at(self, path: str, info: dict[str, Any]) -> datetime | None:
        when = next((info[key] for key in _TIMES if info.get(key) is not None), None)
        if when is None:
            try:
                when = self._fs.modified(f"{self._root}/{path}")
            except NotImplementedError:
                return None
        if isinstance(when, int | float):
            return datetime.fromtimestamp(when, UTC)
        if isinstance(when, str):
            when = datetime.fromisoformat(when)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
