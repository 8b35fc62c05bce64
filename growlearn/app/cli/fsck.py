"""fsck: every hash and every reference of the record and the file store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from growlearn.app.cli.inspect import JsonOption
from growlearn.app.cli.output import FAILED, echo, print_json

if TYPE_CHECKING:
    from growlearn.app.fsck import Inspection


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Inspect")(fsck)


def fsck(as_json: JsonOption = False) -> None:
    """Verify every reference of the database and the hash of every stored file; changes nothing."""
    from growlearn.adapters.files.artifacts import FileArtifacts
    from growlearn.app.cli.progress import show_progress
    from growlearn.app.composition import system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.doctor.context import CheckContext, open_store_context
    from growlearn.app.fsck import inspect_installation
    from growlearn.app.fsck_view import inspection_view
    from growlearn.domain.errors import GrowLearnError
    from growlearn.domain.growth import Progress

    settings = load_settings()
    with (
        open_store_context(CheckContext(settings=settings, clock=system_clock())) as context,
        show_progress() as on_progress,
    ):
        if context is None:
            raise GrowLearnError(
                "there is no database with the newest tables to verify", hint="run: growlearn doctor"
            )
        inspection = inspect_installation(
            context.store,
            context.engine,
            FileArtifacts(settings.artifacts_url),
            lambda done, total: on_progress(Progress(stage="reading files", done=done, total=total)),
        )
    if as_json:
        print_json(inspection_view(inspection))
    else:
        _show(inspection)
    if not inspection.is_sound:
        raise typer.Exit(FAILED)


def _show(inspection: Inspection) -> None:
    for damage in inspection.damage:
        echo(f"{damage.kind}: {damage.message}")
        echo(f"  -> {damage.hint}")
    if inspection.unreferenced:
        size = sum(file.size_bytes for file in inspection.unreferenced) / 1e6
        echo(f"unreferenced: {len(inspection.unreferenced)} files, {size:.1f} MB, that no row refers to")
    if inspection.removed:
        echo(f"removed: {inspection.removed} files that retention removed, as their jobs allow")
    found = f"{len(inspection.damage)} damaged" if inspection.damage else "sound"
    echo(
        f"{found}: {inspection.streams} streams, {inspection.references} references, "
        f"{inspection.files} files of {inspection.bytes_read / 1e6:.1f} MB were read"
    )
