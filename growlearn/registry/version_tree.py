"""Look-ups in the tree of versions."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.errors import NotFound
from growlearn.domain.lineage import Version


def get_version(versions: Sequence[Version], number: int) -> Version:
    """The version with this number; raises NotFound with a list of the existing ones."""
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions) or "none yet"
    raise NotFound(f"there is no version {number}", hint=f"known versions: {known}")


def get_ancestry(versions: Sequence[Version], number: int) -> tuple[Version, ...]:
    """The ancestors of a version, root first, and the version itself last; raises NotFound."""
    path = [get_version(versions, number)]
    while path[-1].parent is not None:
        path.append(get_version(versions, path[-1].parent))
    return tuple(reversed(path))
