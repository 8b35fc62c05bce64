"""backtest: replays a history through a drift policy without training, to see what it would do and cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import JsonOption
from growlearn.app.cli.output import (
    QUARANTINED,
    echo,
    echo_error,
    percent_or_dash,
    print_json,
    show,
    show_table,
)

if TYPE_CHECKING:
    from growlearn.app.backtest import BacktestRequest, BacktestResult
    from growlearn.app.cli.timeline import TimelinePoint
    from growlearn.domain.backtest import Replay

_POLICY_COLUMNS = ("policy", "windows", "alarms", "trainings", "training time", "dry-run accuracy")
_REGIME_COLUMNS = ("mean delay", "missed", "false alarms", "recurrences detected")


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Manage")(backtest)


def backtest(
    job_file: Annotated[Path, typer.Argument(metavar="JOB.yaml", help="The job whose policy is replayed.")],
    data: Annotated[
        str, typer.Option("--data", help="The history: a folder of files in order, or one file.")
    ],
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", help="Another job file to compare with; may be repeated."),
    ] = None,
    regime_column: Annotated[
        str | None,
        typer.Option("--regime-column", help="A column with the true regime; the model never sees it."),
    ] = None,
    period: Annotated[
        int | None,
        typer.Option(
            "--period", min=1, help="Windows per training of `periodic`; default: as often as the job."
        ),
    ] = None,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Start without a model, though the stream has a champion.")
    ] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write a plot to this PNG file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a history through the drift policy without training: alarms, delays, trainings and hours."""
    from growlearn.app.backtest import BacktestRequest
    from growlearn.app.backtest_plot import check_plot_path

    if plot is not None:
        check_plot_path(plot)
    request = BacktestRequest(
        job_file=job_file,
        data=data,
        comparison_files=tuple(compare or ()),
        regime_column=regime_column,
        period=period,
        from_scratch=from_scratch,
    )
    result = _replay(request)
    if plot is not None:
        _write_plot(result, plot)
    if as_json:
        _print_result(result)
    else:
        _show_result(result)
    _report_rejected(result)


def _replay(request: BacktestRequest) -> BacktestResult:
    import torch

    from growlearn.app.backtest import run_backtest
    from growlearn.app.cli.progress import show_progress
    from growlearn.app.current_settings import load_settings

    settings = load_settings()
    torch.set_num_threads(settings.threads)
    with show_progress() as on_progress:
        return run_backtest(request, settings, on_progress)


def _write_plot(result: BacktestResult, plot: Path) -> None:
    from growlearn.app.backtest_plot import write_plot
    from growlearn.app.file_modes import files_for_people

    with files_for_people():
        write_plot(result, plot)


def _print_result(result: BacktestResult) -> None:
    from growlearn.app.backtest_view import backtest_view

    print_json(backtest_view(result))


def _report_rejected(result: BacktestResult) -> None:
    from growlearn.app.run_summary import file_lines, has_rejections
    from growlearn.pipeline.run import RunSummary

    ingested = RunSummary(result.files, ())
    for file in result.files:
        for line in file_lines(result.job.name, file):
            echo_error(line)
    if has_rejections(ingested):
        raise typer.Exit(QUARANTINED)


def _show_result(result: BacktestResult) -> None:
    from growlearn.app.cli.timeline import render_legend, show_timeline
    from growlearn.domain.metric import METRICS

    has_regimes, metric = result.regime_column is not None, METRICS[result.job.metric]
    metric_column = () if metric.is_accuracy else (f"dry-run {metric.name}",)
    show_table(
        (*_POLICY_COLUMNS, *metric_column, *(_REGIME_COLUMNS if has_regimes else ())),
        [
            (
                *_policy_row(replay),
                *(_format_value(replay) for _ in metric_column),
                *(_detection_row(replay) if has_regimes else ()),
            )
            for replay in result.replays
        ],
        empty="no policies",
    )
    points_by_policy = {replay.policy: _timeline_points(replay) for replay in result.replays}
    name_width = max(map(len, points_by_policy))
    for policy, points in points_by_policy.items():
        show_timeline(points, policy.ljust(name_width))
    show(render_legend([point for points in points_by_policy.values() for point in points]))
    for line in _basis_lines(result):
        echo(line)
    undefined = ", ".join(dict.fromkeys(name for replay in result.replays for name in replay.undefined))
    if undefined:
        echo(f"{metric.name} is not defined in {undefined}: all their rows have one label")


def _policy_row(replay: Replay) -> tuple[object, ...]:
    from growlearn.app.backtest_view import format_duration

    return (
        replay.policy,
        len(replay.windows),
        replay.alarms,
        replay.trainings,
        format_duration(replay.training_hours),
        percent_or_dash(replay.accuracy),
    )


def _format_value(replay: Replay) -> str:
    """The value of the replayed job's metric, with its name where that is another than the first job's."""
    from growlearn.domain.metric import METRICS

    return f"{METRICS[replay.metric].format_value(replay.value)} {replay.metric}"


def _detection_row(replay: Replay) -> tuple[object, ...]:
    delay = "-" if replay.mean_delay is None else f"{replay.mean_delay:.1f} windows"
    num_new_regimes = len(replay.drift_events) - replay.recurrences
    return (
        delay,
        f"{replay.missed} of {num_new_regimes}",
        replay.false_alarms,
        f"{replay.recurrences_detected} of {replay.recurrences}",
    )


def _timeline_points(replay: Replay) -> Sequence[TimelinePoint]:
    from growlearn.app.cli.timeline import TimelinePoint

    return [TimelinePoint(window.window, window.verdict, window.grown) for window in replay.windows]


def _basis_lines(result: BacktestResult) -> list[str]:
    """What the figures are based on, as lines of text."""
    start = "no model" if result.started_from is None else f"version {result.started_from}"
    lines = [f"started from {start}; periodic grows every {result.period} windows"]
    if result.seconds_per_row is not None:
        source = "the stream's own trainings" if result.cost_is_recorded else "a few batches on this machine"
        milliseconds = 1000 * result.seconds_per_row
        lines.append(
            f"training time at {milliseconds:.3g} ms per row and epoch, from {source}, with all epochs"
        )
    lines.append(
        "accuracies are those of dry-run models that were never trained: compare them with each other only"
    )
    return lines
