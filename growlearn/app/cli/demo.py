"""demo: the whole story, on a laptop, in minutes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from growlearn.app.cli.output import FAILED, warn


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Start here")(demo)


def demo(
    home: Annotated[Path, typer.Option("--home", help="Where everything of the demo is kept.")] = Path(
        "growlearn-demo"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove an earlier demo first.")] = False,
) -> None:
    """The whole story on real handwritten digits: drift noticed, branches grown, nothing forgotten."""
    from growlearn.app.demo.home import demo_settings, make_home
    from growlearn.app.demo.story import tell
    from growlearn.app.stopping import Stopped, stopping

    settings = demo_settings(make_home(home, fresh=fresh), os.environ)
    try:
        with stopping() as stop:
            tell(settings, stop)
    except Stopped:
        warn("stopped; begin again with --fresh")
        raise typer.Exit(FAILED) from None
