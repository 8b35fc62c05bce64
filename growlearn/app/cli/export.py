"""export: a version, or its first branches, as a folder that does not need growlearn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import StreamArgument
from growlearn.app.cli.output import echo, percent_or_dash, show_table
from growlearn.domain.export_format import ExportFormat

if TYPE_CHECKING:  # torch is imported only where used
    from growlearn.app.export import Export


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Predict")(export)


def export(
    stream: StreamArgument,
    version: Annotated[int, typer.Argument(help="Its number; see: growlearn versions STREAM.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet.")],
    branches: Annotated[
        int | None, typer.Option("--branches", help="Only the first N branches: a smaller model.")
    ] = None,
    export_format: Annotated[
        ExportFormat,
        typer.Option("--format", help="For MLflow; for torch alone (.pt2); or for any ONNX runtime."),
    ] = ExportFormat.MLFLOW,
    task: Annotated[
        str | None,
        typer.Option("--task", help="torch, onnx: answer rows of this task; default: route rows."),
    ] = None,
) -> None:
    """Write a version as a self-contained model, whole or truncated to its first branches."""
    from growlearn.app.composition import build_evaluator, open_models, open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.export import ExportOptions, export_version
    from growlearn.app.file_modes import files_for_people
    from growlearn.app.signals import exit_on_sigterm

    settings = load_settings()
    models = open_models(settings)
    store = open_store(settings)
    with exit_on_sigterm(), files_for_people():
        exported = export_version(
            store,
            models.artifacts,
            build_evaluator(models),
            stream,
            version,
            folder,
            ExportOptions(branches=branches, format=export_format, task=task),
        )
    _show_export(version, exported)


def _show_export(version: int, exported: Export) -> None:
    if exported.tasks:
        show_table(
            ("task", f"{exported.total_branches} branches", f"{exported.branches} branches"),
            [
                (change.task, percent_or_dash(change.before), percent_or_dash(change.after))
                for change in exported.tasks
            ],
            empty="it has no task",
        )
    if exported.verification is not None:
        verified = exported.verification
        echo(
            f"the probabilities of {verified.rows} rows differ from the version's by at most "
            f"{verified.max_difference:.1g}"
        )
    echo(f"version {version}, {exported.branches} of {exported.total_branches} branches -> {exported.folder}")
