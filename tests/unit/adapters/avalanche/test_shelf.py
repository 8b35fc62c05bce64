from __future__ import annotations

import pytest

from growlearn.adapters.avalanche.shelf import Shelf
from growlearn.domain.errors import DamagedArtifact


def test_contents_travel_as_tensors() -> None:
    shelf, other = Shelf(), Shelf()
    digests = [shelf.put(content) for content in (b"", b"hello", bytes(range(256)))]
    other.fill(shelf.tensors())
    assert [other.get(digest) for digest in digests] == [b"", b"hello", bytes(range(256))]


def test_what_is_not_kept_is_forgotten() -> None:
    shelf = Shelf()
    wanted, other = shelf.put(b"wanted"), shelf.put(b"other")
    shelf.keep([wanted])
    assert shelf.get(wanted) == b"wanted"
    with pytest.raises(DamagedArtifact):
        shelf.get(other)
