"""why: what was decided, and on what evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from growlearn.app.cli.inspect import JsonOption, StreamArgument
from growlearn.app.cli.output import echo, print_json

VersionOrWindowArgument = Annotated[
    str | None,
    typer.Argument(metavar="[VERSION | WINDOW]", help="Such as 3 or w5; default: the champion."),
]


def register(app: typer.Typer) -> None:
    """Put this command into the program."""
    app.command(rich_help_panel="Inspect")(why)


def why(stream: StreamArgument, which: VersionOrWindowArgument = None, as_json: JsonOption = False) -> None:
    """Explain how a version was made, or why a window led to none."""
    from growlearn.app.composition import open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.why import explain_decision, why_view

    store = open_store(load_settings())
    explanation = explain_decision(store, stream, which)
    if as_json:
        print_json(why_view(store, explanation))
        return
    version_text = "no version" if explanation.version is None else f"version {explanation.version}"
    echo(f"{stream} {explanation.window}, {version_text}")
    for section in explanation.sections:
        echo("")
        echo(section.heading)
        for line in section.lines:
            echo(f"  {line}")
