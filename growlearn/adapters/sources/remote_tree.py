"""A folder on any other fsspec file system, such as an object store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem

from growlearn.adapters.sources.listing import FileEntry, is_ignored
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.ingest.spool import SPOOL_BYTES, read_or_spool

# The keys of the checksum and the modification time in common file systems.
_CHECKSUM_KEYS = ("ETag", "etag", "md5Hash", "md5", "checksum", "content_md5")
_MODIFIED_AT_KEYS = ("LastModified", "last_modified", "mtime", "modified", "updated")
_CORRECT_URL = "correct source.url in the job file"


def make_unreachable_error(url: str, error: Exception) -> Unavailable:
    """The error for a file system that does not answer."""
    return Unavailable(
        f"source folder {url} cannot be reached: {str(error) or type(error).__name__}",
        hint="is its server there, and are the credentials right? then run again",
    )


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Each file system raises its own errors."""
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
        self.base_url: str = filesystem.unstrip_protocol(self._root)

    def list_files(self, depth: int | None, below: str = "") -> Sequence[FileEntry]:
        """Files by path, hidden and unfinished ones left out; an empty folder of a bucket has none."""
        self._fs.invalidate_cache()  # a cached listing of the last tick would hide new files
        try:
            listing = self._find_files(depth, below)
            is_there = bool(listing) or self._is_there()
            entries = [self._make_entry(path, info) for path, info in listing.items()]
        except GrowLearnError:
            raise
        except Exception as error:  # each file system raises its own errors
            raise make_unreachable_error(self.base_url, error) from error
        if not is_there:
            raise GrowLearnError(
                f"source folder {self.base_url} does not exist",
                hint=f"create it, its bucket first, or {_CORRECT_URL}",
            )
        visible = [file for file in entries if not any(map(is_ignored, file.path.split("/")))]
        return sorted(visible, key=lambda file: file.path)

    def _find_files(self, depth: int | None, below: str) -> dict[str, dict[str, Any]]:
        """What the file system tells of each file, by its path in the folder.

        A key that ends in '/' is the mark of an empty folder, which consoles of object stores leave.
        """
        try:
            found: dict[str, dict[str, Any]] = self._fs.find(
                f"{self._root}/{below}".rstrip("/"), maxdepth=depth, detail=True
            )
        except FileNotFoundError:
            return {}
        if self._root in found:
            raise GrowLearnError(f"source folder {self.base_url} is not a folder", hint=_CORRECT_URL)
        return {
            name.removeprefix(self._root).removeprefix("/"): info
            for name, info in found.items()
            if not name.endswith("/")
        }

    def _is_there(self) -> bool:
        """Whether there is such a folder; an object store has buckets, and folders only by their files."""
        if self._fs.isdir(self._root):
            return True
        bucket = self._root.partition("/")[0]
        try:
            return bucket not in ("", self._root) and bool(self._fs.exists(bucket))
        except PermissionError:  # the key may list this folder alone, and has just done so
            return True

    def get_fingerprint(self, path: str) -> str:
        """Checksum where the file system has one, else size and time of last change."""
        self._fs.invalidate_cache()
        with _as_os_errors():
            return self._make_entry(path, self._fs.info(f"{self._root}/{path}")).fingerprint

    def read(self, path: str) -> bytes | memoryview:
        """Content of one file; a large one is copied to this computer, and mapped."""
        full = f"{self._root}/{path}"
        with _as_os_errors():
            size = int(self._fs.info(full).get("size") or 0)
            if size < SPOOL_BYTES:
                content: bytes = self._fs.cat_file(full)
                return content
            with self._fs.open(full, "rb") as file:
                return read_or_spool(file, size)

    def add_file(self, name: str, content: bytes | memoryview) -> bool:
        """Write a file; an object store shows a key only when it is complete."""
        full = f"{self._root}/{name}"
        try:
            self._fs.invalidate_cache()
            if self._fs.exists(full):
                return False
            self._fs.pipe_file(full, bytes(content))
        except Exception as error:  # each file system raises its own errors
            raise make_unreachable_error(self.base_url, error) from error
        return True

    def _make_entry(self, path: str, info: dict[str, Any]) -> FileEntry:
        modified_at = self._get_modified_at(path, info)
        checksum = next((str(info[key]) for key in _CHECKSUM_KEYS if info.get(key)), None)
        size = int(info.get("size") or 0)
        return FileEntry(
            path=path,
            size_bytes=size,
            modified_at=modified_at,
            fingerprint=checksum or f"{size}-{modified_at.timestamp() if modified_at else ''}",
        )

    def _get_modified_at(self, path: str, info: dict[str, Any]) -> datetime | None:
        when = next((info[key] for key in _MODIFIED_AT_KEYS if info.get(key) is not None), None)
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
