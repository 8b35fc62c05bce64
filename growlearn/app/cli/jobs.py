"""init, apply, delete: create, change and delete streams."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from growlearn.app.cli.inspect import StreamArgument
from growlearn.app.cli.output import echo

JobFileArgument = Annotated[Path, typer.Argument(metavar="JOB.yaml", help="The job file.")]


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    for command in (init, apply, delete):
        app.command(rich_help_panel="Streams")(command)


def init(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A data file, a folder of them, or of class folders.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; default: NAME.yaml.")] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The stream's name; default: the folder's.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="The label column; default: a guess.")] = None,
) -> None:
    """Profile data and write a commented job file for it."""
    from growlearn.app.data_profile import profile_data
    from growlearn.app.file_modes import files_for_people
    from growlearn.app.job_template import render_job_file
    from growlearn.domain.errors import GrowLearnError, make_write_error

    profile = profile_data(data, label)
    stream = name or profile.suggested_name
    job_text = render_job_file(stream, profile)
    target = out or Path(f"{stream}.yaml")
    try:
        with files_for_people(), target.open("x", encoding="utf-8") as file:
            file.write(job_text)
    except FileExistsError:
        raise GrowLearnError(
            f"{target} exists", hint="choose another file with --out, or remove it"
        ) from None
    except OSError as error:
        raise make_write_error(target, error, "check the path") from error
    echo(f"wrote {target}: {profile.summary}; files {profile.pattern}")
    for note in profile.notes:
        echo(f"note: {note}")
    echo(f"check it, then: growlearn run {target}")


def apply(job_file: JobFileArgument) -> None:
    """Create the stream of a job file, or update its job."""
    from growlearn.app.apply_job import Allowed, apply_job_file, format_next_runs
    from growlearn.app.composition import open_artifacts, open_store
    from growlearn.app.current_settings import load_settings

    settings = load_settings()
    allowed = Allowed.by(settings)
    applied = apply_job_file(open_store(settings), job_file, lambda: open_artifacts(settings), allowed)
    echo(f"{'created' if applied.created else 'updated'} stream {applied.stream.name}")
    echo(f"source {applied.stream.job.source.url}; next: {format_next_runs(applied.stream.job)}")


def delete(
    stream: StreamArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a stream, its windows, branches and versions; stored files and MLflow runs stay."""
    from growlearn.app.composition import open_store
    from growlearn.app.current_settings import load_settings

    store = open_store(load_settings())
    count = len(store.versions(store.stream(stream).name))
    if not yes:
        typer.confirm(f"delete stream {stream} with its {count} versions?", abort=True)
    store.delete(stream)
    echo(f"stream {stream} is deleted; its stored weights and its MLflow runs stay")
