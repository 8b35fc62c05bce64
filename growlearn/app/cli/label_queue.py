"""label-queue: the rows most worth labelling."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from growlearn.app.cli.inspect import StreamArgument
from growlearn.app.cli.output import echo, echo_error


def register(app: typer.Typer) -> None:
    """Put this command into the program."""
    app.command(rich_help_panel="Predict")(label_queue)


def label_queue(
    stream: StreamArgument,
    out: Annotated[Path, typer.Option("--out", help="Write .csv or .parquet.")],
    rows: Annotated[int, typer.Option("--rows", help="At most so many.", min=1)] = 100,
    at_random: Annotated[
        bool, typer.Option("--random", help="Any rows, not those that the model is least sure of.")
    ] = False,
) -> None:
    """Write the rows most worth labelling, as a file that is read as labels once it has them."""
    from growlearn.app.composition import open_artifacts, open_process_device, open_store, system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.file_modes import files_for_people
    from growlearn.app.label_queue import build_label_queue, check_out_path
    from growlearn.app.predict_file import write_table
    from growlearn.serving.predictor import Predictor

    settings = load_settings()
    store = open_store(settings)
    check_out_path(store.stream(stream), out)
    queue = build_label_queue(
        store,
        open_artifacts(settings),
        stream,
        system_clock().now(),
        rows,
        partial(Predictor, execution=settings.execution, device=open_process_device(settings)),
        at_random=at_random,
    )
    with files_for_people():
        unsupported = write_table(queue.table, out)
    if unsupported:
        echo_error(f"a CSV file cannot hold the columns {', '.join(unsupported)}; they are left out")
    label, folder = store.stream(stream).job.schema.label, store.stream(stream).job.source.url
    echo(f"{queue.table.num_rows} of {queue.total} rows without a label -> {out}")
    echo(f"fill in column {label}, remove the rows that you leave empty, and put the file into {folder}")
