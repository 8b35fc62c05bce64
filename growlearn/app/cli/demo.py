"""demo: a stream from the first window to rollback, on a laptop, in minutes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from growlearn.app.cli.output import FAILED, echo_error


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Start here")(demo)


def demo(
    home: Annotated[Path, typer.Option("--home", help="The folder of the demo.")] = Path("growlearn-demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove an earlier demo first.")] = False,
) -> None:
    """Run a whole stream of real handwritten digits: drift detected, branches grown, nothing forgotten."""
    from growlearn.app.demo.home import load_demo_settings, make_demo_home
    from growlearn.app.demo.run import run_demo
    from growlearn.app.signals import Interrupted, stop_on_signals

    settings = load_demo_settings(make_demo_home(home, overwrite=overwrite), os.environ)
    try:
        with stop_on_signals() as stop:
            run_demo(settings, stop)
    except Interrupted:
        echo_error("stopped; start again with --overwrite")
        raise typer.Exit(FAILED) from None
