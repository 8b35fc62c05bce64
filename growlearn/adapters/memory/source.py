"""A source with files in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from growlearn.domain.errors import InvalidFile, TemporarilyUnreadable, VanishedFile
from growlearn.domain.window import FileRecord, SourceFile


class MemorySource:
    """Files by url, each bytes or, for a folder of class folders, bytes by relative path."""

    def __init__(self, files: Mapping[str, bytes | Mapping[str, bytes]] | None = None) -> None:
        self._files: dict[str, dict[str, bytes]] = {}
        for url, content in (files or {}).items():
            self.put(url, content)

    def put(self, url: str, content: bytes | Mapping[str, bytes]) -> None:
        """Add a file, or change it."""
        name = url.rpartition("/")[2]
        self._files[url] = {name: content} if isinstance(content, bytes) else dict(content)

    def remove(self, url: str) -> None:
        """Remove a file."""
        del self._files[url]

    def files(self, known: Sequence[FileRecord] = ()) -> Sequence[SourceFile]:  # noqa: ARG002 - it has names
        """All files by url."""
        return tuple(
            SourceFile(
                url=url,
                fingerprint=_compute_fingerprint(blobs),
                size_bytes=sum(len(blob) for blob in blobs.values()),
            )
            for url, blobs in sorted(self._files.items())
        )

    def read(self, file: SourceFile) -> Mapping[str, bytes]:
        """Content by relative path."""
        if file.reject_reason:
            raise InvalidFile(f"{file.url} {file.reject_reason}")
        if file.url not in self._files:
            raise VanishedFile(f"{file.url} vanished between listing and reading")
        blobs = self._files[file.url]
        if _compute_fingerprint(blobs) != file.fingerprint:
            raise TemporarilyUnreadable(f"{file.url} changed while it was read")
        return dict(blobs)


def _compute_fingerprint(blobs: Mapping[str, bytes]) -> str:
    digest = sha256()
    for path, blob in sorted(blobs.items()):
        digest.update(f"{path}\t{sha256(blob).hexdigest()}\n".encode())
    return digest.hexdigest()
