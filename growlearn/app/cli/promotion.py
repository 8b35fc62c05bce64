"""promote, rollback, pause, resume, consolidate: decisions made by a person."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import StreamArgument
from growlearn.app.cli.output import FAILED, echo, echo_error

if TYPE_CHECKING:
    from growlearn.app.decisions import Decision
    from growlearn.ports import Store
    from growlearn.settings import Settings

Unverified = Annotated[
    bool, typer.Option("--unverified", help="Even where its stored logits cannot be proven.")
]
Reason = Annotated[str, typer.Option("--reason", help="Stored with the change.")]


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    for command in (promote, rollback, pause, resume, consolidate):
        app.command(rich_help_panel="Manage")(command)


def promote(
    stream: StreamArgument,
    version: Annotated[int | None, typer.Argument(help="Default: the challenger.")] = None,
    reason: Reason = "promoted by hand",
    unverified: Unverified = False,
) -> None:
    """Make a version the champion, once it is proven to predict as when it was made."""
    from growlearn.app.composition import open_store, system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.decisions import decide_promotion, get_promotion_target

    settings = load_settings()
    store = open_store(settings)
    stored_stream = store.stream(stream)
    target = get_promotion_target(stored_stream, version)
    if target == stored_stream.champion and _take_aliases(settings, store, stream):
        return
    decision = decide_promotion(store, stream, target, current_user(), reason, system_clock().now())
    _verify_target(settings, store, stream, target, unverified=unverified)
    _move_aliases(settings, store, decision)


def rollback(
    stream: StreamArgument,
    version: Annotated[int | None, typer.Argument(help="Default: the champion's parent.")] = None,
    reason: Reason = "rolled back by hand",
    unverified: Unverified = False,
) -> None:
    """Return to an earlier version, once it is proven; later growth starts from it."""
    from growlearn.app.composition import open_store, system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.decisions import decide_rollback

    settings = load_settings()
    store = open_store(settings)
    decision = decide_rollback(store, stream, version, current_user(), reason, system_clock().now())
    _verify_target(settings, store, stream, decision.version, unverified=unverified)
    _move_aliases(settings, store, decision)


def pause(stream: StreamArgument) -> None:
    """Let schedulers and workers leave a stream alone; a window in progress is finished."""
    if _set_paused(stream, paused=True):
        echo(f"{stream}: paused; to go on: growlearn resume {stream}")
    else:
        echo(f"{stream}: is paused already")


def resume(stream: StreamArgument) -> None:
    """Let schedulers and workers handle a paused stream again, from its next due time on."""
    if _set_paused(stream, paused=False):
        echo(f"{stream}: resumed")
    else:
        echo(f"{stream}: is not paused")


def _set_paused(stream: str, *, paused: bool) -> bool:
    from growlearn.app.composition import open_store, system_clock
    from growlearn.app.current_settings import load_settings

    store = open_store(load_settings())
    return store.set_paused(stream, paused, system_clock().now(), current_user())


def consolidate(stream: StreamArgument) -> None:
    """Request that the model is distilled into fewer branches, whether its budget is used up or not."""
    from growlearn.app.composition import open_store, system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.pipeline.consolidation import request_consolidation

    window = request_consolidation(stream, open_store(load_settings()), system_clock().now())
    echo(f"{stream}: {window.id} opened, {window.reason}; a worker, or growlearn run, handles it next")


def current_user() -> str:
    """Who runs the command, for the decision log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _move_aliases(settings: Settings, store: Store, decision: Decision) -> None:
    """Change the aliases of a stream, if nobody changed them since it was read; then update MLflow."""
    from growlearn.app.decisions import store_decision
    from growlearn.app.mlflow_sync import sync_mlflow

    store_decision(store, decision)
    for change in decision.changes:
        before, after = _format_version(change.before), _format_version(change.after)
        echo(f"{change.stream}: {change.alias} {before} -> {after}")
    sync_mlflow(settings, store, decision.stream.name, echo_error)


def _take_aliases(settings: Settings, store: Store, stream: str) -> bool:
    """Set the aliases in MLflow as recorded where they are not; False where they stand there.

    They are not where somebody has moved them, and where MLflow has not been told of a decision yet.
    """
    from growlearn.app.mlflow_sync import list_mlflow_warnings, sync_mlflow
    from growlearn.domain.stream import Message, MessageKind

    is_untold = bool(store.outbox.pending(stream, limit=1))
    if is_untold and sync_mlflow(settings, store, stream, echo_error):
        raise typer.Exit(FAILED)
    warnings = list_mlflow_warnings(settings, store, stream)
    if not warnings:
        if is_untold:  # a command that decided was cut short before it told MLflow
            echo(f"{stream}: the aliases in MLflow are set as recorded")
        return is_untold
    for text in warnings:
        echo_error(text)
    store.outbox.enqueue([Message(stream=stream, kind=MessageKind.TAKE_ALIASES)])
    if sync_mlflow(settings, store, stream, echo_error) or store.outbox.undeliverable(stream):
        raise typer.Exit(FAILED)
    if list_mlflow_warnings(settings, store, stream):  # already shown, with the reason
        raise typer.Exit(FAILED)
    echo(f"{stream}: the aliases in MLflow are set as recorded")
    return True


def _verify_target(settings: Settings, store: Store, stream: str, number: int, *, unverified: bool) -> None:
    """Load the version to move to and compare its logits with the stored ones; nothing has moved yet.

    Raises GrowLearnError where they are not proven, unless that is allowed, and where it cannot be loaded.
    """
    from growlearn.app.composition import open_artifacts
    from growlearn.domain.errors import GrowLearnError
    from growlearn.pipeline.verify import describe_verification, verify_version

    verification = verify_version(store, open_artifacts(settings), stream, number)
    if not verification.is_proven and not unverified:
        raise GrowLearnError(
            f"nothing was changed: version {number} of stream {stream!r} is "
            f"{describe_verification(verification)}",
            hint="name another version; to use this one all the same: --unverified",
        )
    (echo if verification.is_verified else echo_error)(f"{stream}: {describe_verification(verification)}")


def _format_version(number: int | None) -> str:
    return "none" if number is None else f"version {number}"
