"""Immutable files named by the sha256 of their content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256 as hash_of
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from growlearn.domain.errors import CorruptArtifact, DiskFull, GrowLearnError, Unavailable, is_disk_full
from growlearn.domain.locations import get_local_path
from growlearn.domain.validation import SHA256_PATTERN
from growlearn.ingest.atomic_file import fsync_folder, write_atomically
from growlearn.ingest.spool import SPOOL_BYTES, drop_pages, map_file

_REWRITE_AGE = timedelta(hours=12)
"""An object that is stored again is written again after that: nothing else can change its time."""

_LOCAL_WRITE_HINT = "free space there, or let the user that runs growlearn write to it"
_LOCAL_READ_HINT = "is its disk or server there, and may the user that runs growlearn read it?"
_REMOTE_HINT = "is its server there, does the bucket exist, and do the credentials allow it?"


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file in the folder; `sha256` is None for one that no artifact is named like."""

    path: str
    size_bytes: int
    sha256: str | None


class FileArtifacts:
    """Artifacts under one folder as ab/cd/abcd...: two levels, so that no folder becomes large."""

    def __init__(self, url_or_path: str | os.PathLike[str]) -> None:
        location = os.fspath(url_or_path)
        local_path = get_local_path(location)
        try:
            self._fs, root = (
                url_to_fs(location)
                if local_path is None
                else (LocalFileSystem(), os.path.abspath(os.path.expanduser(local_path)))
            )
        except (ImportError, ValueError) as error:
            raise GrowLearnError(
                f"artifacts cannot be stored at {url_or_path}: {error}",
                hint="correct GROWLEARN_ARTIFACTS_URL, or install what it names; for s3: growlearn[s3]",
            ) from error
        self._root: str = root.rstrip("/")
        self._is_local = local_path is not None
        self._location = self._make_url(self._root)

    @property
    def folder(self) -> Path | None:
        """The folder on this computer; None for another file system."""
        return Path(self._root) if self._is_local else None

    def put(self, content: bytes | memoryview) -> str:
        """Store bytes, durably and all at once; returns the sha256 in hex.

        A file of that name with other content is rewritten. Raises Unavailable where
        nothing can be written.
        """
        digest = hash_of(content).hexdigest()
        path = self._make_path(digest)
        try:
            if self._view_if_exists(path) != content or not self._touch(path):
                self._write(path, content)
        except GrowLearnError:
            raise
        except Exception as error:  # each file system raises errors of its own
            if is_disk_full(error):
                raise DiskFull(f"artifacts cannot be written to {self._location}") from error
            raise Unavailable(
                f"artifacts cannot be written to {self._location}: {_explain(error)}",
                hint=_LOCAL_WRITE_HINT if self._is_local else _REMOTE_HINT,
            ) from error
        return digest

    def get(self, sha256: str) -> bytes:
        """The bytes, checked against their hash.

        Raises CorruptArtifact where they are missing or changed, Unavailable where the whole folder is
        missing or does not answer.
        """
        return bytes(self.view(sha256))

    def view(self, sha256: str) -> bytes | memoryview:
        """The same, mapped where the file is large and on this computer."""
        if not SHA256_PATTERN.fullmatch(sha256):
            raise CorruptArtifact(f"{sha256!r} is not a sha256 in hex", hint="check the hash")
        content = self._view_if_exists(self._make_path(sha256))
        if content is None and not self._root_exists():
            raise self._make_unavailable(f"artifacts at {self._location}", "there is no such folder")
        if content is None or hash_of(content).hexdigest() != sha256:
            what = "is missing" if content is None else "does not hold what was stored"
            raise CorruptArtifact(
                f"artifact {self._make_url(self._make_path(sha256))} {what}",
                hint="bring that file back from a backup",
            )
        drop_pages(content)
        return content

    def was_put_since(self, sha256: str, at: datetime) -> bool:
        """Whether `put` stored these bytes, or found them stored, since then; True where that is unknown."""
        try:
            return self._get_time(self._make_path(sha256)) >= at
        except FileNotFoundError:
            return False
        except Exception:  # a file system that does not tell
            return True

    def remove(self, sha256: str, unless_put_since: datetime) -> bool:
        """Remove a file; False where it is gone already, or `put` has found it since then."""
        path = self._make_path(sha256)
        if self.was_put_since(sha256, unless_put_since) or not self._fs.exists(path):
            return False
        if not self._is_local:
            self._fs.rm_file(path)
            return True
        # Out of the way first: a `put` that finds the file from now on writes it anew, and one that found it
        # just before has changed its time.
        aside = Path(path).with_name(f".{sha256}.{uuid4().hex}.tmp")
        with suppress(FileNotFoundError):
            Path(path).rename(aside)
            if self._get_time(str(aside)) < unless_put_since:
                aside.unlink()
                return True
            aside.rename(path)
        return False

    def _get_time(self, path: str) -> datetime:
        if self._is_local:
            return datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)
        self._fs.invalidate_cache()
        modified: datetime = self._fs.modified(path)
        return modified.replace(tzinfo=UTC) if modified.tzinfo is None else modified.astimezone(UTC)

    def _touch(self, path: str) -> bool:
        """Note that somebody stores a file that is there; False where it must be written again."""
        if not self._is_local:
            return datetime.now(UTC) - self._get_time(path) < _REWRITE_AGE
        try:
            os.utime(path)
        except FileNotFoundError:
            return False  # removed just now
        except OSError:
            return True  # a folder that can only be read, of which nothing is removed
        return True

    def list_files(self) -> Sequence[StoredFile]:
        """Every file in the folder; raises Unavailable where it does not answer."""
        try:
            self._fs.invalidate_cache()
            found: dict[str, dict[str, Any]] = self._fs.find(self._root, detail=True)
        except Exception as error:
            raise self._make_unavailable(f"artifacts at {self._location}", _explain(error)) from error
        return [self._make_stored_file(path, int(info["size"] or 0)) for path, info in sorted(found.items())]

    def _make_stored_file(self, path: str, size_bytes: int) -> StoredFile:
        name = path.rpartition("/")[2]
        is_ours = SHA256_PATTERN.fullmatch(name) is not None and path == self._make_path(name)
        return StoredFile(path=path, size_bytes=size_bytes, sha256=name if is_ours else None)

    def _make_path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest[2:4]}/{digest}"

    def _make_url(self, path: str) -> str:
        """The path of this computer, or the URL of another file system."""
        return path if self._is_local else str(self._fs.unstrip_protocol(path))

    def _make_unavailable(self, what: str, reason: object) -> Unavailable:
        hint = _LOCAL_READ_HINT if self._is_local else _REMOTE_HINT
        return Unavailable(f"{what} cannot be read: {reason}", hint=hint)

    def _view_if_exists(self, path: str) -> bytes | memoryview | None:
        try:
            if self._is_local and Path(path).stat().st_size >= SPOOL_BYTES:
                with Path(path).open("rb") as file:
                    return map_file(file)
            content: bytes = self._fs.cat_file(path)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._make_unavailable(f"artifact {self._make_url(path)}", _explain(error)) from error
        return content

    def _root_exists(self) -> bool:
        try:
            return bool(self._fs.exists(self._root))
        except Exception as error:
            raise self._make_unavailable(f"artifacts at {self._location}", _explain(error)) from error

    def _write(self, path: str, content: bytes | memoryview) -> None:
        if self._is_local:
            file = Path(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, content)
            for folder in file.parents[1:3]:  # the new names of folders must survive a power failure too
                fsync_folder(folder)
        elif isinstance(content, bytes):  # an object store shows a key only when it is complete
            self._fs.pipe_file(path, content)
        else:
            self._upload(path, content)

    def _upload(self, path: str, content: memoryview) -> None:
        """Send mapped bytes in parts; the key appears once all are there, and not at all where one is not."""
        file = self._fs.open(path, "wb", autocommit=False)
        try:
            for start in range(0, len(content), SPOOL_BYTES):
                file.write(content[start : start + SPOOL_BYTES])
            file.close()
        except BaseException:
            with suppress(Exception):  # the first error tells more
                file.closed = True  # closing it, as its deletion would, stores the parts that are there
                file.discard()
            raise
        file.commit()


def _explain(error: Exception) -> object:
    """What went wrong; a file system's own errors may say nothing but their names."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
