"""What stands for a manifest that was changed after it was recorded."""

from __future__ import annotations

from typing import Any

from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.lineage import Manifest, Version

_HINT = "restore the database from a backup, or promote another version; growlearn fsck lists all damage"


class CorruptManifest(Manifest):
    """A manifest that cannot be used: reading anything of it raises CorruptArtifact.

    So one damaged version stops what would load it, and nothing else: the others can still be listed,
    answered from and rolled back to.
    """

    def __init__(self, reason: str) -> None:
        object.__setattr__(self, "_reason", reason)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):  # Python's own: the class, its fields
            return object.__getattribute__(self, name)
        reason = object.__getattribute__(self, "_reason")
        raise CorruptArtifact(reason, hint=_HINT)

    def __repr__(self) -> str:
        return f"CorruptManifest({object.__getattribute__(self, '_reason')!r})"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def find_manifest_error(version: Version) -> CorruptArtifact | None:
    """Why a version's manifest cannot be used; None where it is as it was recorded."""
    try:
        _ = version.manifest.stream
    except CorruptArtifact as error:
        return error
    return None
