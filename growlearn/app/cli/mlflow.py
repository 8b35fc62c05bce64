"""mlflow rebuild: the mirror of the record in MLflow."""

from __future__ import annotations

from typing import Annotated

import typer

from growlearn.app.cli.output import FAILED, echo, echo_error


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    group = typer.Typer(help="The mirror of the database in MLflow.")
    group.callback(no_args_is_help=True)(_show_help)
    group.command()(rebuild)
    app.add_typer(group, name="mlflow", rich_help_panel="Run")


def _show_help() -> None:
    """The mirror of the database in MLflow."""


def rebuild(
    stream: Annotated[str | None, typer.Argument(metavar="[STREAM]", help="Default: all.")] = None,
) -> None:
    """Make MLflow complete again: every run, version and alias that the database knows and MLflow lacks."""
    from growlearn.app.composition import open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.mlflow_sync import sync_mlflow
    from growlearn.registry.rebuild import queue_rebuild

    settings = load_settings()
    store = open_store(settings)
    names = [item.name for item in store.streams()] if stream is None else [store.stream(stream).name]
    num_failed = 0
    for name in names:
        count = queue_rebuild(store, name)
        if sync_mlflow(settings, store, name, echo_error) or store.outbox.undeliverable(name):
            num_failed += 1
        else:
            echo(f"{name}: MLflow has all {count} windows")
    if num_failed:
        raise typer.Exit(FAILED)
