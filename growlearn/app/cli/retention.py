"""retention: remove stored files that nothing needs any more, as the jobs allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import JsonOption
from growlearn.app.cli.output import echo, print_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from growlearn.app.retention import Removal


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Manage")(retention)


def retention(
    stream: Annotated[
        str | None,
        typer.Argument(metavar="[STREAM]", help="Default: every stream with keep or keep_versions."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Remove the files; else they are only counted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove stored files that nothing needs any more, by keep and keep_versions of each job."""
    from growlearn.app.composition import open_artifacts, open_store, system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.retention import apply_removals, plan_removals
    from growlearn.app.retention_view import removals_view

    settings = load_settings()
    store, artifacts, now = open_store(settings), open_artifacts(settings), system_clock().now()
    removals = plan_removals(store, artifacts, now, stream)
    if apply:
        apply_removals(store, artifacts, removals, now)
    if as_json:
        print_json(removals_view(removals, applied=apply))
    else:
        _show(removals, applied=apply)


def _show(removals: Sequence[Removal], *, applied: bool) -> None:
    show_table(
        ("stream", "versions kept", "versions expired", "windows expired", "files", "too new"),
        [
            (
                removal.retention.stream,
                len(removal.retention.kept_versions),
                len(removal.retention.expired_versions),
                len(removal.retention.expired_windows),
                len(removal.files),
                len(removal.too_new),
            )
            for removal in removals
        ],
        empty="no job has keep or keep_versions: nothing is ever removed",
    )
    count = sum(len(removal.files) for removal in removals)
    if removals:
        echo(f"{count} files removed" if applied else f"{count} files can go; remove them with --apply")
