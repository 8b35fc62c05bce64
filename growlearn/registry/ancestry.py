"""Versions as a tree by parent."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.errors import UnknownName
from growlearn.domain.lineage import Version


def find(versions: Sequence[Version], number: int) -> Version:
    """The version of that number, or UnknownName listing those there are."""
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions) or "none yet"
    raise UnknownName(f"there is no version {number}", cure=f"known versions: {known}")


def chain(versions: Sequence[Version], number: int) -> tuple[Version, ...]:
    """The versions one grew from, root first, itself last; raises UnknownName."""
    path = [find(versions, number)]
    while path[-1].parent is not None:
        path.append(find(versions, path[-1].parent))
    return tuple(reversed(path))
