"""Artifacts that are read from two places and written to one."""

from __future__ import annotations

from growlearn.domain.errors import CorruptArtifact
from growlearn.ports import Artifacts


class OverlayArtifacts:
    """Writes go to `upper`; what is missing there is read from `lower`, which is never written to."""

    def __init__(self, upper: Artifacts, lower: Artifacts) -> None:
        self._upper = upper
        self._lower = lower

    def put(self, content: bytes | memoryview) -> str:
        """Store bytes in `upper`; returns their sha256 in hex."""
        return self._upper.put(content)

    def get(self, sha256: str) -> bytes:
        """The bytes of this hash from either; raises CorruptArtifact where neither has them."""
        try:
            return self._upper.get(sha256)
        except CorruptArtifact:
            return self._lower.get(sha256)

    def view(self, sha256: str) -> bytes | memoryview:
        """The same, without reading a large file into memory."""
        try:
            return self._upper.view(sha256)
        except CorruptArtifact:
            return self._lower.view(sha256)
