"""export: a version, or its first branches, as a folder that needs nothing of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from growlearn.app.cli.look import StreamName
from growlearn.app.cli.output import percent, say, show_table


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Use")(export)


def export(
    stream: StreamName,
    version: Annotated[int, typer.Argument(help="Its number; see: growlearn versions STREAM.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet.")],
    branches: Annotated[
        int | None, typer.Option("--branches", help="Only the first so many: a smaller model.")
    ] = None,
) -> None:
    """Write a version as a self-contained MLflow model, whole or truncated to its first branches."""
    from growlearn.app.composition import open_artifacts, open_evaluator, open_record
    from growlearn.app.exporting import export_version
    from growlearn.app.here import settings

    here = settings()
    done = export_version(
        open_record(here), open_artifacts(here), open_evaluator(here), stream, version, folder, branches
    )
    if done.tasks:
        show_table(
            ("task", f"{done.of} branches", f"{done.branches} branches"),
            [(each.task, percent(each.before), percent(each.after)) for each in done.tasks],
            empty="it has no task",
        )
    say(f"version {version}, {done.branches} of {done.of} branches -> {done.folder}")
