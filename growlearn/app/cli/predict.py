"""predict: the champion's predictions for the rows of a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import StreamArgument
from growlearn.app.cli.output import QUARANTINED, echo, echo_error, show_table

if TYPE_CHECKING:
    from growlearn.app.predict_file import FilePredictions

_MAX_SHOWN_ROWS = 20


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Predict")(predict)


def predict(
    stream: StreamArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Parquet, CSV or Arrow, or a folder of images.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write .parquet or .csv; default: show.")] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="This version; default: the champion.")
    ] = None,
    min_probability: Annotated[
        float, typer.Option("--min-probability", help="Abstain below this probability.", min=0, max=1)
    ] = 0.0,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add a column probability_CLASS for each class.")
    ] = False,
) -> None:
    """Predict the rows of a file: adds the columns prediction, probability and task."""
    from growlearn.app.composition import open_artifacts, open_process_device, open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.predict_file import check_table_path, predict_file
    from growlearn.domain.errors import GrowLearnError
    from growlearn.serving.predictor import Predictor

    if out is not None and out.resolve() == file.resolve():
        raise GrowLearnError(f"--out {out} is the input file", hint="write to another file")
    if out is not None:
        check_table_path(out)
    settings = load_settings()
    predictions = predict_file(
        open_store(settings),
        open_artifacts(settings),
        stream,
        version,
        file,
        min_probability,
        proba,
        partial(Predictor, execution=settings.execution, device=open_process_device(settings)),
    )
    if out is None:
        _show_predictions(predictions)
    else:
        _write_predictions(predictions, out)
    if predictions.failed_rows:
        first = predictions.failed_rows[0]
        count = len(predictions.failed_rows)
        echo_error(f"{count} rows have no prediction; the first is row {first.row}: {first.reason}")
        raise typer.Exit(QUARANTINED)


def _write_predictions(predictions: FilePredictions, out: Path) -> None:
    from growlearn.app.file_modes import files_for_people
    from growlearn.app.predict_file import write_predictions

    with files_for_people():
        unsupported = write_predictions(predictions, out)
    if unsupported:
        echo_error(f"a CSV file cannot hold the columns {', '.join(unsupported)}; they are left out")
    echo(f"{predictions.table.num_rows} rows predicted by version {predictions.version} -> {out}")


def _show_predictions(predictions: FilePredictions) -> None:
    from growlearn.app.predict_file import OUTPUT_COLUMNS

    columns = [*OUTPUT_COLUMNS, *predictions.class_columns]
    head = predictions.table.select(columns).slice(0, _MAX_SHOWN_ROWS).to_pylist()
    show_table(
        ("row", *columns),
        [
            (
                row,
                prediction["prediction"],
                _format_probability(prediction["probability"]),
                prediction["task"],
                *(_format_probability(prediction[column]) for column in predictions.class_columns),
            )
            for row, prediction in enumerate(head)
        ],
        empty="the file has no rows",
    )
    total = predictions.table.num_rows
    if total > _MAX_SHOWN_ROWS:
        echo(f"{_MAX_SHOWN_ROWS} of {total} rows; write them all with --out predictions.parquet")


def _format_probability(probability: float | None) -> str | None:
    return None if probability is None else f"{probability:.4f}"
