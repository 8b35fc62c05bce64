"""Stored files by their content."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Artifacts(Protocol):
    """Immutable bytes, addressed by their sha256."""

    def put(self, content: bytes | memoryview) -> str:
        """Store bytes durably and atomically; returns the sha256 in hex. Storing twice is harmless.

        Raises Unavailable where nothing can be written at the moment.
        """
        ...

    def get(self, sha256: str) -> bytes:
        """The bytes, checked against their hash.

        Raises CorruptArtifact where they are missing or changed, Unavailable where the storage is down.
        """
        ...

    def view(self, sha256: str) -> bytes | memoryview:
        """The same, without reading a large file into memory."""
        ...


class RemovableArtifacts(Artifacts, Protocol):
    """Artifacts of which some may be removed."""

    def was_put_since(self, sha256: str, at: datetime) -> bool:
        """Whether these bytes were stored, or were to be stored again, since then; True where unknown."""
        ...

    def remove(self, sha256: str, unless_put_since: datetime) -> bool:
        """Remove bytes; False where they are gone already, or somebody stored them again since then."""
        ...
