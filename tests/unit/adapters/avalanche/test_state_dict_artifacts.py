from __future__ import annotations

import pytest

from growlearn.adapters.avalanche.state_dict_artifacts import StateDictArtifacts
from growlearn.domain.errors import CorruptArtifact


def test_contents_travel_as_tensors() -> None:
    shelf, other = StateDictArtifacts(), StateDictArtifacts()
    digests = [shelf.put(content) for content in (b"", b"hello", bytes(range(256)))]
    other.load_tensors(shelf.to_tensors())
    assert [other.get(digest) for digest in digests] == [b"", b"hello", bytes(range(256))]


def test_what_is_not_kept_is_forgotten() -> None:
    shelf = StateDictArtifacts()
    wanted, other = shelf.put(b"wanted"), shelf.put(b"other")
    shelf.retain_only([wanted])
    assert shelf.get(wanted) == b"wanted"
    with pytest.raises(CorruptArtifact):
        shelf.get(other)
