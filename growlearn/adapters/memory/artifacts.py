"""Artifacts in memory."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from growlearn.domain.errors import CorruptArtifact


class MemoryArtifacts:
    """Immutable bytes under their own sha256, for as long as the process lives."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, content: bytes | memoryview) -> str:
        """Store bytes; returns their sha256 in hex."""
        digest = sha256(content).hexdigest()
        self._contents[digest] = bytes(content)
        return digest

    def get(self, sha256: str) -> bytes:
        """The bytes of this hash; raises CorruptArtifact where there are none."""
        if sha256 not in self._contents:
            raise CorruptArtifact(f"artifact {sha256} is missing from memory", hint="put it there first")
        return self._contents[sha256]

    def was_put_since(self, sha256: str, at: datetime) -> bool:  # noqa: ARG002 - no time is kept here
        """False: only one process stores here, and does nothing else meanwhile."""
        return False

    def remove(self, sha256: str, unless_put_since: datetime) -> bool:  # noqa: ARG002 - as above
        """Remove bytes; False where there are none."""
        return self._contents.pop(sha256, None) is not None

    def view(self, sha256: str) -> bytes:
        """The same."""
        return self.get(sha256)
