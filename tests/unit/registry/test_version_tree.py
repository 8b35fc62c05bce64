from __future__ import annotations

import pytest

from growlearn.domain.errors import NotFound
from growlearn.domain.lineage import Version
from growlearn.registry.version_tree import get_ancestry, get_version


def test_the_ancestry_runs_from_the_root_by_parent(versions: tuple[Version, ...]) -> None:
    assert [version.number for version in get_ancestry(versions, 4)] == [1, 2, 4]
    assert [version.number for version in get_ancestry(versions, 1)] == [1]


def test_the_error_for_an_unknown_version_lists_the_known_ones(versions: tuple[Version, ...]) -> None:
    with pytest.raises(NotFound, match=r"no version 9 \(known versions: 1, 2, 3, 4\)"):
        get_ancestry(versions, 9)


def test_a_stream_without_versions_says_so() -> None:
    with pytest.raises(NotFound, match="none yet"):
        get_version((), 1)
