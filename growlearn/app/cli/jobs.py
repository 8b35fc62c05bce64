"""init, apply, delete: which streams there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from growlearn.app.cli.look import StreamName
from growlearn.app.cli.output import say

JobPath = Annotated[Path, typer.Argument(metavar="JOB.yaml", help="The job file.")]


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    for command in (init, apply, delete):
        app.command(rich_help_panel="Streams")(command)


def init(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A data file, a folder of them, or of class folders.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write; NAME.yaml here if left out.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The stream's name; the folder's if left out.")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="The label column, where a guess would miss.")
    ] = None,
) -> None:
    """Look at data and write a commented job file for it."""
    from growlearn.app.drafting import draft_job
    from growlearn.app.inspection import inspect_data
    from growlearn.domain.errors import GrowLearnError

    findings = inspect_data(data, label)
    stream = name or findings.suggested_name
    draft = draft_job(stream, findings)
    target = out or Path(f"{stream}.yaml")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(draft)
    except FileExistsError:
        raise GrowLearnError(
            f"{target} exists", cure="choose another file with --out, or remove it"
        ) from None
    except OSError as error:
        raise GrowLearnError(f"cannot write {target}: {error.strerror}", cure="check the path") from error
    say(f"wrote {target}: {findings.summary}; files {findings.pattern}")
    for note in findings.notes:
        say(f"note: {note}")
    say(f"read it through, then: growlearn run {target}")


def apply(job_file: JobPath) -> None:
    """Create the stream of a job file, or give it the changed job."""
    from growlearn.app.applying import apply_file, upcoming
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings

    applied = apply_file(open_record(settings()), job_file)
    say(f"{'created' if applied.created else 'updated'} stream {applied.stream.name}")
    say(f"looks at {applied.stream.job.source.url}; next: {upcoming(applied.stream.job)}")


def delete(
    stream: StreamName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget a stream, its windows, branches and versions; stored files and MLflow stay."""
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings

    store = open_record(settings())
    count = len(store.versions(store.stream(stream).name))
    if not yes:
        typer.confirm(f"forget stream {stream} with its {count} versions?", abort=True)
    store.delete(stream)
    say(f"stream {stream} is forgotten; its stored weights and its MLflow runs stay")
