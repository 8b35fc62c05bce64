"""Rules by which champion, challenger and the base of further growth move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, AliasMove, Stream
from growlearn.registry.ancestry import chain, find


def promote(
    stream: Stream, versions: Sequence[Version], target: int, actor: str, reason: str, at: datetime
) -> tuple[tuple[AliasMove, ...], int]:
    """Make target the champion; returns the alias moves and the new base.

    Growth goes on from target, unless it already goes on from a version that grew from target. A
    challenger that target is, or grew from, waits no longer. Raises UnknownName, or GrowLearnError
    where target is the champion already.
    """
    line = [version.number for version in chain(versions, target)]
    if stream.champion == target:
        raise GrowLearnError(f"version {target} of stream {stream.name!r} is the champion already")
    moves = [_move(stream, Alias.CHAMPION, target, actor, reason, at)]
    if stream.challenger in line:
        moves.append(_move(stream, Alias.CHALLENGER, None, actor, reason, at))
    base = target
    if stream.base is not None and any(each.number == target for each in chain(versions, stream.base)):
        base = stream.base
    return tuple(moves), base


def rollback(
    stream: Stream, versions: Sequence[Version], target: int | None, actor: str, reason: str, at: datetime
) -> tuple[tuple[AliasMove, ...], int]:
    """Make target, or else the champion's parent, the champion and the base of further growth.

    A challenger waits no longer: growth goes on without it. Going back to the champion itself declines
    what was grown since. Raises UnknownName, or GrowLearnError where there is nothing to go back to,
    target is the challenger, or nothing would change.
    """
    back_to = _predecessor(stream, versions) if target is None else find(versions, target).number
    if back_to == stream.challenger:
        raise GrowLearnError(
            f"version {back_to} of stream {stream.name!r} is the challenger, not an earlier champion",
            cure=f"to make it the champion: growlearn promote {stream.name}",
        )
    moves = []
    if stream.challenger is not None:
        moves.append(_move(stream, Alias.CHALLENGER, None, actor, reason, at))
    if stream.champion != back_to or not moves:  # where but the base moves, this says who moved it, and why
        moves.insert(0, _move(stream, Alias.CHAMPION, back_to, actor, reason, at))
    if (stream.champion, stream.challenger, stream.base) == (back_to, None, back_to):
        raise GrowLearnError(f"version {back_to} of stream {stream.name!r} is the champion already")
    return tuple(moves), back_to


def challenge(
    stream: Stream, versions: Sequence[Version], target: int, actor: str, reason: str, at: datetime
) -> tuple[tuple[AliasMove, ...], int]:
    """Make target the challenger, which waits for a person; growth goes on from it. Raises UnknownName."""
    find(versions, target)
    return (_move(stream, Alias.CHALLENGER, target, actor, reason, at),), target


def aliases_of(stream: Stream, version: int) -> tuple[Alias, ...]:
    """The aliases that stand at a version now."""
    standing = {Alias.CHAMPION: stream.champion, Alias.CHALLENGER: stream.challenger}
    return tuple(alias for alias, number in standing.items() if number == version)


def _predecessor(stream: Stream, versions: Sequence[Version]) -> int:
    if stream.champion is None:
        raise GrowLearnError(
            f"stream {stream.name!r} has no champion to roll back from",
            cure=f"promote a version, or begin anew: growlearn delete {stream.name}",
        )
    parent = find(versions, stream.champion).parent
    if parent is None:
        cure = f"to decline the challenger: growlearn rollback {stream.name} {stream.champion}"
        raise GrowLearnError(
            f"version {stream.champion} is the first one; there is none before it",
            cure=cure if stream.challenger is not None else None,
        )
    return parent


def _move(
    stream: Stream, alias: Alias, after: int | None, actor: str, reason: str, at: datetime
) -> AliasMove:
    before = stream.champion if alias is Alias.CHAMPION else stream.challenger
    return AliasMove(
        stream=stream.name, alias=alias, before=before, after=after, actor=actor, reason=reason, at=at
    )
