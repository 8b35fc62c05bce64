"""predict: the champion's answers to the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.look import StreamName
from growlearn.app.cli.output import QUARANTINED, say, show_table, warn

if TYPE_CHECKING:
    from growlearn.app.answering import Answers

_SHOWN_ROWS = 20


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Use")(predict)


def predict(
    stream: StreamName,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Parquet, CSV or Arrow, or a folder of images.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write .parquet or .csv; shown if left out.")
    ] = None,
    version: Annotated[int | None, typer.Option("--version", help="This version, not the champion.")] = None,
    min_probability: Annotated[
        float, typer.Option("--min-probability", help="Abstain where no answer is so probable.", min=0, max=1)
    ] = 0.0,
) -> None:
    """Answer the rows of a file: adds the columns prediction, probability and task."""
    from growlearn.app.answering import answer_file, write_answers
    from growlearn.app.composition import open_artifacts, open_record
    from growlearn.app.here import settings
    from growlearn.domain.errors import GrowLearnError

    if out is not None and out.resolve() == file.resolve():
        raise GrowLearnError(f"--out {out} is the file to be answered", cure="write to another one")
    here = settings()
    answers = answer_file(
        open_record(here), open_artifacts(here), stream, version, file, min_probability, here.execution
    )
    if out is None:
        _show(answers)
    else:
        unfit = write_answers(answers, out)
        if unfit:
            warn(f"a CSV file cannot hold the columns {', '.join(unfit)}; they are left out")
        say(f"{answers.table.num_rows} rows answered by version {answers.version} -> {out}")
    if answers.unanswered:
        first = answers.unanswered[0]
        count = len(answers.unanswered)
        warn(f"{count} rows could not be answered; the first is row {first.row}: {first.reason}")
        raise typer.Exit(QUARANTINED)


def _show(answers: Answers) -> None:
    from growlearn.app.answering import ADDED

    head = answers.table.select(list(ADDED)).slice(0, _SHOWN_ROWS).to_pylist()
    show_table(
        ("row", *ADDED),
        [
            (row, answer["prediction"], _probability(answer["probability"]), answer["task"])
            for row, answer in enumerate(head)
        ],
        empty="the file has no rows",
    )
    total = answers.table.num_rows
    if total > _SHOWN_ROWS:
        say(f"{_SHOWN_ROWS} of {total} rows; write them all with --out answers.parquet")


def _probability(share: float | None) -> str | None:
    return None if share is None else f"{share:.4f}"
