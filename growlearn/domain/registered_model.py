"""A registered model as the tracker holds it, which others may have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from growlearn.domain.stream import Alias


@dataclass(frozen=True, kw_only=True)
class AliasTarget:
    """The version that an alias stands on in the tracker.

    `number` is the stream's version that it holds; None where its tags are not those of a version of this
    stream, and then `owner` says whose it is.
    """

    tracker_version: str
    number: int | None
    owner: str


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """The stream's own registered versions, tracker version by number, and where the aliases stand."""

    versions: Mapping[int, str]
    aliases: Mapping[Alias, AliasTarget]

    def list_changes(
        self, targets: Mapping[Alias, int | None], *, take: bool = False
    ) -> dict[Alias, str | None]:
        """The tracker version that each alias moves to, None to remove it; without those that are right.

        A target that is not registered is left out. An alias on a version of somebody else is never removed,
        and moved only with `take`.
        """
        changes: dict[Alias, str | None] = {}
        for alias, number in targets.items():
            target = self.aliases.get(alias)
            is_foreign = target is not None and target.number is None
            if number is None:
                if target is not None and not is_foreign:
                    changes[alias] = None
            elif number not in self.versions or (is_foreign and not take):
                continue
            elif target is None or target.number != number:
                changes[alias] = self.versions[number]
        return changes
