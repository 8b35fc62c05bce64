from __future__ import annotations

import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.overlay import OverlayArtifacts
from growlearn.domain.errors import CorruptArtifact


def test_it_reads_from_both_and_writes_above_alone() -> None:
    above, below = MemoryArtifacts(), MemoryArtifacts()
    old = below.put(b"old")
    both = OverlayArtifacts(above, below)
    new = both.put(b"new")
    assert (both.get(old), both.get(new), above.get(new)) == (b"old", b"new", b"new")
    for side, digest in ((below, new), (above, old), (both, "0" * 64)):
        with pytest.raises(CorruptArtifact):
            side.get(digest)
