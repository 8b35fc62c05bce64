from __future__ import annotations

import pytest

from growlearn.domain.errors import UnknownName
from growlearn.domain.lineage import Version
from growlearn.registry.ancestry import chain, find


def test_a_chain_runs_from_the_root_by_parent(versions: tuple[Version, ...]) -> None:
    assert [version.number for version in chain(versions, 4)] == [1, 2, 4]
    assert [version.number for version in chain(versions, 1)] == [1]


def test_an_unknown_version_is_answered_with_the_known_ones(versions: tuple[Version, ...]) -> None:
    with pytest.raises(UnknownName, match=r"no version 9 \(known versions: 1, 2, 3, 4\)"):
        chain(versions, 9)


def test_a_stream_without_versions_says_so() -> None:
    with pytest.raises(UnknownName, match="none yet"):
        find((), 1)
