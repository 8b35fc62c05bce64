"""Artifacts that are read from two places and written to one."""

from __future__ import annotations

from growlearn.domain.errors import DamagedArtifact
from growlearn.ports import Artifacts


class Overlay:
    """What is put lands in `above`; what is not there is read from `below`, which is never written to."""

    def __init__(self, above: Artifacts, below: Artifacts) -> None:
        self._above = above
        self._below = below

    def put(self, content: bytes) -> str:
        """Store bytes above; returns their sha256 in hex."""
        return self._above.put(content)

    def get(self, sha256: str) -> bytes:
        """The bytes of this hash from either place; raises DamagedArtifact where neither has them."""
        try:
            return self._above.get(sha256)
        except DamagedArtifact:
            return self._below.get(sha256)
