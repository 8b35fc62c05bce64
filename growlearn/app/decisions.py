"""Promotion and rollback by a person: what changes, by the registry's rules, and how it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.stream import AliasChange, Message, MessageKind, Stream
from growlearn.ports import Store
from growlearn.registry import promotion


@dataclass(frozen=True)
class Decision:
    """Alias changes of a stream as it was read, not stored yet, and the version that growth goes on from.

    `version` becomes the champion.
    """

    stream: Stream
    changes: Sequence[AliasChange]
    parent_version: int
    version: int


def get_promotion_target(stream: Stream, version: int | None) -> int:
    """The given version, or else the challenger; raises GrowLearnError where there is none."""
    target = version if version is not None else stream.challenger
    if target is None:
        raise GrowLearnError(
            f"stream {stream.name!r} has no challenger",
            hint=f"name a version; see: growlearn versions {stream.name}",
        )
    return target


def decide_promotion(
    store: Store, stream: str, version: int | None, actor: str, reason: str, at: datetime
) -> Decision:
    """Make a version, or the challenger, the champion; raises NotFound and GrowLearnError."""
    stored = store.stream(stream)
    target = get_promotion_target(stored, version)
    changes, base = promotion.promote_version(stored, store.versions(stream), target, actor, reason, at)
    return Decision(stored, changes, base, target)


def decide_rollback(
    store: Store, stream: str, version: int | None, actor: str, reason: str, at: datetime
) -> Decision:
    """Return to a version, or the champion's parent; raises NotFound and GrowLearnError."""
    stored = store.stream(stream)
    changes, base = promotion.rollback_version(stored, store.versions(stream), version, actor, reason, at)
    return Decision(stored, changes, base, base)


def store_decision(store: Store, decision: Decision) -> None:
    """Change the aliases, and tell MLflow by the outbox.

    Raises ConcurrentUpdate where somebody changed them since they were read.
    """
    name = decision.stream.name
    store.change_aliases(
        name,
        decision.changes,
        decision.parent_version,
        Message(stream=name, kind=MessageKind.TAKE_ALIASES),
        parent_version_before=decision.stream.parent_version,
    )
