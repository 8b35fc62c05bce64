"""backtest: what a drift policy would have done and cost, over a history and without growing anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.look import AsJson
from growlearn.app.cli.output import QUARANTINED, percent, print_json, say, show, show_table, warn

if TYPE_CHECKING:
    from growlearn.app.backtest import Backtest
    from growlearn.app.cli.timeline import Moment
    from growlearn.domain.backtest import Replay

_PER_POLICY = ("policy", "windows", "alarms", "trainings", "training time", "accuracy of stand-ins")
_OF_TRUTH = ("mean delay", "missed", "false alarms", "returns recognised")


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Decide")(backtest)


def backtest(
    job_file: Annotated[Path, typer.Argument(metavar="JOB.yaml", help="The job whose policy is tried.")],
    data: Annotated[
        str, typer.Option("--data", help="The history: a folder of files in order, or one file.")
    ],
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="Another job file to compare with; may be repeated."),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option("--truth", help="A column that names the true regime; the model never sees it."),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every", min=1, help="Windows between two trainings of `periodic`; as often as the job."
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin with nothing learned, though the stream has a champion.")
    ] = False,
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw it into this PNG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a history through the drift policy, nothing grown: alarms, delays, trainings and hours."""
    import torch

    from growlearn.app.backtest import Request, run_backtest
    from growlearn.app.backtest_picture import check_picture, write_picture
    from growlearn.app.backtest_view import backtest_view
    from growlearn.app.cli.progress import reporting
    from growlearn.app.here import settings

    here = settings()
    torch.set_num_threads(here.threads)
    if picture is not None:
        check_picture(picture)
    request = Request(
        job_file=job_file, data=data, against=tuple(against or ()), truth=truth, every=every, fresh=fresh
    )
    with reporting() as report:
        done = run_backtest(request, here, report)
    if picture is not None:
        write_picture(done, picture)
    if as_json:
        print_json(backtest_view(done))
    else:
        _show(done)
    _tell_kept_out(done)


def _tell_kept_out(done: Backtest) -> None:
    from growlearn.app.telling import kept_out, kept_out_anything
    from growlearn.cycle import RunSummary

    taken_in = RunSummary(done.files, ())
    for line in kept_out(done.job.name, taken_in):
        warn(line)
    if kept_out_anything(taken_in):
        raise typer.Exit(QUARANTINED)


def _show(done: Backtest) -> None:
    from growlearn.app.cli.timeline import legend, show_timeline

    truth = done.truth is not None
    show_table(
        (*_PER_POLICY, *(_OF_TRUTH if truth else ())),
        [(*_row(replay), *(_fit(replay) if truth else ())) for replay in done.replays],
        empty="no policies",
    )
    moments = {replay.policy: _moments(replay) for replay in done.replays}
    widest = max(map(len, moments))
    for policy, each in moments.items():
        show_timeline(each, policy.ljust(widest))
    show(legend([moment for each in moments.values() for moment in each]))
    for line in _basis(done):
        say(line)


def _row(replay: Replay) -> tuple[object, ...]:
    from growlearn.app.backtest_view import told_time

    return (
        replay.policy,
        len(replay.windows),
        replay.alarms,
        replay.trainings,
        told_time(replay.hours),
        percent(replay.accuracy),
    )


def _fit(replay: Replay) -> tuple[object, ...]:
    delay = "-" if replay.mean_delay is None else f"{replay.mean_delay:.1f} windows"
    news = len(replay.changes) - replay.returns
    return (
        delay,
        f"{replay.missed} of {news}",
        replay.false_alarms,
        f"{replay.recognised} of {replay.returns}",
    )


def _moments(replay: Replay) -> Sequence[Moment]:
    from growlearn.app.cli.timeline import Moment

    return [Moment(each.window, each.verdict, each.grown) for each in replay.windows]


def _basis(done: Backtest) -> list[str]:
    """What the figures rest on, in sentences."""
    start = "nothing learned" if done.started_from is None else f"version {done.started_from}"
    lines = [f"started from {start}; periodic grows every {done.every} windows"]
    if done.seconds_a_row is not None:
        source = "the stream's own trainings" if done.recorded else "a few batches on this machine"
        milliseconds = 1000 * done.seconds_a_row
        lines.append(f"training time at {milliseconds:.3g} ms a row and epoch, from {source}, all epochs run")
    lines.append(
        "accuracies are those of stand-ins that were never trained: compare them with each other only"
    )
    return lines
