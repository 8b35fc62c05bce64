"""Rules that change the champion, the challenger and the parent version of further growth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, AliasChange, Stream
from growlearn.registry.version_tree import get_ancestry, get_version


def promote_version(
    stream: Stream, versions: Sequence[Version], target: int, actor: str, reason: str, at: datetime
) -> tuple[tuple[AliasChange, ...], int]:
    """Make `target` the champion; returns the alias changes and the new parent version.

    Growth continues from `target`, unless it already continues from a descendant of it. A challenger that is
    `target` or one of its ancestors is removed. Raises NotFound, or GrowLearnError where `target` is the
    champion already.
    """
    ancestry = [version.number for version in get_ancestry(versions, target)]
    if stream.champion == target:
        raise GrowLearnError(f"version {target} of stream {stream.name!r} is the champion already")
    alias_changes = [_make_alias_change(stream, Alias.CHAMPION, target, actor, reason, at)]
    if stream.challenger in ancestry:
        alias_changes.append(_make_alias_change(stream, Alias.CHALLENGER, None, actor, reason, at))
    parent_version = target
    if stream.parent_version is not None and any(
        ancestor.number == target for ancestor in get_ancestry(versions, stream.parent_version)
    ):
        parent_version = stream.parent_version
    return tuple(alias_changes), parent_version


def rollback_version(
    stream: Stream, versions: Sequence[Version], target: int | None, actor: str, reason: str, at: datetime
) -> tuple[tuple[AliasChange, ...], int]:
    """Make `target`, or else the champion's parent, the champion and the parent of further growth.

    The challenger is removed, and growth continues without it. A rollback to the champion itself discards
    what was grown since. Raises NotFound, or GrowLearnError where there is no earlier version, `target` is
    the challenger, or nothing would change.
    """
    new_champion = (
        _get_champion_parent(stream, versions) if target is None else get_version(versions, target).number
    )
    if new_champion == stream.challenger:
        raise GrowLearnError(
            f"version {new_champion} of stream {stream.name!r} is the challenger, not an earlier champion",
            hint=f"to make it the champion: growlearn promote {stream.name}",
        )
    alias_changes = []
    if stream.challenger is not None:
        alias_changes.append(_make_alias_change(stream, Alias.CHALLENGER, None, actor, reason, at))
    if stream.champion != new_champion or not alias_changes:  # records who changed the parent alone
        alias_changes.insert(0, _make_alias_change(stream, Alias.CHAMPION, new_champion, actor, reason, at))
    if (stream.champion, stream.challenger, stream.parent_version) == (new_champion, None, new_champion):
        raise GrowLearnError(f"version {new_champion} of stream {stream.name!r} is the champion already")
    return tuple(alias_changes), new_champion


def set_challenger(
    stream: Stream, versions: Sequence[Version], target: int, actor: str, reason: str, at: datetime
) -> tuple[tuple[AliasChange, ...], int]:
    """Make `target` the challenger; growth continues from it. Raises NotFound."""
    get_version(versions, target)
    return (_make_alias_change(stream, Alias.CHALLENGER, target, actor, reason, at),), target


def get_aliases(stream: Stream, version: int) -> tuple[Alias, ...]:
    """The aliases that point to a version now."""
    current = {Alias.CHAMPION: stream.champion, Alias.CHALLENGER: stream.challenger}
    return tuple(alias for alias, number in current.items() if number == version)


def _get_champion_parent(stream: Stream, versions: Sequence[Version]) -> int:
    if stream.champion is None:
        raise GrowLearnError(
            f"stream {stream.name!r} has no champion to roll back from",
            hint=f"promote a version, or start over: growlearn delete {stream.name}",
        )
    parent = get_version(versions, stream.champion).parent
    if parent is None:
        hint = f"to reject the challenger: growlearn rollback {stream.name} {stream.champion}"
        raise GrowLearnError(
            f"version {stream.champion} is the first one; there is no earlier version",
            hint=hint if stream.challenger is not None else None,
        )
    return parent


def _make_alias_change(
    stream: Stream, alias: Alias, after: int | None, actor: str, reason: str, at: datetime
) -> AliasChange:
    before = stream.champion if alias is Alias.CHAMPION else stream.challenger
    return AliasChange(
        stream=stream.name, alias=alias, before=before, after=after, actor=actor, reason=reason, at=at
    )
