"""promote, rollback, consolidate: what a person decides."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.look import StreamName
from growlearn.app.cli.output import say, warn

if TYPE_CHECKING:
    from growlearn.domain.stream import AliasMove, Stream
    from growlearn.ports import Store
    from growlearn.settings import Settings

Reason = Annotated[str, typer.Option("--reason", help="Kept with the move.")]


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    for command in (promote, rollback, consolidate):
        app.command(rich_help_panel="Decide")(command)


def promote(
    stream: StreamName,
    version: Annotated[int | None, typer.Argument(help="The challenger where left out.")] = None,
    reason: Reason = "promoted by hand",
) -> None:
    """Make a version the champion."""
    from growlearn.app.composition import clock, open_record
    from growlearn.app.here import settings
    from growlearn.domain.errors import GrowLearnError
    from growlearn.registry import promotion

    here = settings()
    store = open_record(here)
    found = store.stream(stream)
    target = version if version is not None else found.challenger
    if target is None:
        raise GrowLearnError(
            f"stream {stream!r} has no challenger", cure=f"name a version; see: growlearn versions {stream}"
        )
    moves, base = promotion.promote(found, store.versions(stream), target, _actor(), reason, clock().now())
    _move(here, store, found, moves, base)
    _prove(here, store, stream, target)


def rollback(
    stream: StreamName,
    version: Annotated[int | None, typer.Argument(help="The champion's parent where left out.")] = None,
    reason: Reason = "rolled back by hand",
) -> None:
    """Go back to an earlier version; growth goes on from there."""
    from growlearn.app.composition import clock, open_record
    from growlearn.app.here import settings
    from growlearn.registry import promotion

    here = settings()
    store = open_record(here)
    found = store.stream(stream)
    moves, base = promotion.rollback(found, store.versions(stream), version, _actor(), reason, clock().now())
    _move(here, store, found, moves, base)
    _prove(here, store, stream, base)


def consolidate(stream: StreamName) -> None:
    """Ask that a model be distilled into fewer branches, its budget used up or not."""
    from growlearn.app.composition import clock, open_record
    from growlearn.app.here import settings
    from growlearn.consolidating import open_now

    window = open_now(stream, open_record(settings()), clock().now())
    say(f"{stream}: {window.id} opened, {window.reason}; a worker, or growlearn run, handles it next")


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _move(here: Settings, store: Store, found: Stream, moves: Sequence[AliasMove], base: int) -> None:
    """Move the pointers of a stream as it was found: that is all of the change, and MLflow follows."""
    from growlearn.app.mirror import deliver
    from growlearn.domain.stream import Message, MessageKind

    message = Message(stream=found.name, kind=MessageKind.ALIASES)
    store.move_aliases(found.name, moves, base, message, base_before=found.base)
    for move in moves:
        say(f"{found.name}: {move.alias} {_version(move.before)} -> {_version(move.after)}")
    deliver(here, store, found.name, warn)


def _prove(here: Settings, store: Store, stream: str, version: int) -> None:
    """Say whether the version that is champion now still answers as it did when it was made."""
    from growlearn.app.composition import open_artifacts
    from growlearn.app.proving import prove, told

    proof = prove(store, open_artifacts(here), stream, version)
    (say if proof.holds else warn)(f"{stream}: {told(proof)}")


def _version(number: int | None) -> str:
    return "none" if number is None else f"version {number}"
