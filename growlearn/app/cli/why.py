"""why: what was decided, on what evidence, as a short story."""

from __future__ import annotations

from typing import Annotated

import typer

from growlearn.app.cli.look import AsJson, StreamName
from growlearn.app.cli.output import print_json, say

Which = Annotated[
    str | None,
    typer.Argument(metavar="[VERSION | WINDOW]", help="Such as 3 or w5; the champion where left out."),
]


def register(app: typer.Typer) -> None:
    """Put this command into the program."""
    app.command(rich_help_panel="Look")(why)


def why(stream: StreamName, which: Which = None, as_json: AsJson = False) -> None:
    """Why a version is what it is, or why nothing came of a window."""
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings
    from growlearn.app.why import ask_why, why_view

    store = open_record(settings())
    asked = ask_why(store, stream, which)
    if as_json:
        print_json(why_view(store, asked))
        return
    made = "no version" if asked.version is None else f"version {asked.version}"
    say(f"{stream} {asked.window}, {made}")
    for chapter in asked.chapters:
        say(f"\n{chapter.heading}")
        for line in chapter.lines:
            say(f"  {line}")
