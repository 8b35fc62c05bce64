"""Compares what the tracker has registered with the record: others may delete and move there too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from growlearn.domain.lineage import Version
from growlearn.domain.registered_model import AliasTarget, RegisteredModel
from growlearn.domain.stream import ALL_MESSAGES, Alias, Message, MessageKind, Stream
from growlearn.ports import Store


@dataclass(frozen=True, kw_only=True)
class Lost:
    """What was registered and is registered no more: versions, or aliases alone."""

    versions: tuple[Version, ...]
    aliases: tuple[Alias, ...]

    def __bool__(self) -> bool:
        return bool(self.versions or self.aliases)

    def __str__(self) -> str:
        numbers = [f"version {version.number}" for version in self.versions]
        return ", ".join([*numbers, *(f"alias {alias}" for alias in self.aliases)])


def find_lost(store: Store, stream: Stream, model: RegisteredModel) -> Lost:
    """What somebody deleted there, without what waits in the queue or cannot be delivered."""
    waiting = [pending.message for pending in store.outbox.pending(stream.name, limit=ALL_MESSAGES)]
    undelivered = [*waiting, *(item.message for item in store.outbox.undeliverable(stream.name))]
    windows = {message.window for message in undelivered}
    registered = [version for version in store.versions(stream.name) if version.mlflow_version is not None]
    numbers = {version.number for version in registered}
    return Lost(
        versions=tuple(
            version
            for version in registered
            if version.number not in model.versions and version.window not in windows
        ),
        aliases=tuple(
            alias
            for alias, number in _recorded_aliases(stream).items()
            if number in numbers and alias not in model.aliases and not waiting
        ),
    )


def requeue_lost(store: Store, stream: Stream, model: RegisteredModel) -> Lost:
    """Queue again what was registered and is gone."""
    lost = find_lost(store, stream, model)
    if lost:
        messages = [
            Message(stream=stream.name, kind=MessageKind.CYCLE, window=v.window) for v in lost.versions
        ]
        store.outbox.enqueue([*messages, Message(stream=stream.name, kind=MessageKind.ALIASES)])
    return lost


def _recorded_aliases(stream: Stream) -> dict[Alias, int | None]:
    return {Alias.CHAMPION: stream.champion, Alias.CHALLENGER: stream.challenger}


@dataclass(frozen=True, kw_only=True)
class MovedAlias:
    """An alias that stands elsewhere than the record has it, and what may be done."""

    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})"


def find_moved_aliases(stream: Stream, model: RegisteredModel) -> Iterator[MovedAlias]:
    """Each alias that stands on a version of somebody else, or on another one of this stream."""
    for alias, number in _recorded_aliases(stream).items():
        target = model.aliases.get(alias)
        if target is not None and (target.number is None or target.number != number):
            message = _describe_target(alias, number, target, stream.job.registered_model)
            yield MovedAlias(message=message, hint=_make_hint(stream, number, target))


def _describe_target(alias: Alias, number: int | None, target: AliasTarget, name: str) -> str:
    where = f"alias {alias} of registered model {name!r} stands on"
    if target.number is None:
        return f"{where} its version {target.tracker_version}, which is not of this stream: {target.owner}"
    recorded = "no version" if number is None else f"version {number}"
    return f"{where} version {target.number} of this stream, but the record has {recorded}"


def _make_hint(stream: Stream, number: int | None, target: AliasTarget) -> str:
    if stream.champion is None or (number is None and target.number is None):
        return "move or remove it in MLflow"
    hint = f"to set the aliases as recorded: growlearn promote {stream.name} {stream.champion}"
    if target.number is not None:
        return hint
    return f"{hint}; where both streams live, each wants a registry.model of its own"
