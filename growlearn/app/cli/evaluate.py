"""evaluate: all metrics of a version on its hold-outs, and the stream's prequential score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import JsonOption, StreamArgument
from growlearn.app.cli.output import echo, percent_or_dash, print_json, show_table

if TYPE_CHECKING:
    from growlearn.domain.interval import ConfidenceInterval
    from growlearn.domain.lineage import Version
    from growlearn.evaluation.metrics.task_metrics import TaskMetrics
    from growlearn.evaluation.prequential import PrequentialResult
    from growlearn.ports import Artifacts, Store

_MAX_COLUMNS = 16  # with more classes, confused pairs are listed instead
_MAX_PAIRS = 20


def register(app: typer.Typer) -> None:
    """Put this group's command into the program."""
    app.command(rich_help_panel="Inspect")(evaluate)


def evaluate(
    stream: StreamArgument,
    version: Annotated[int | None, typer.Argument(metavar="[VERSION]", help="Default: the champion.")] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="One task, with classes, confusion and calibration.")
    ] = None,
    prequential: Annotated[
        bool, typer.Option("--prequential", help="Also score each window with its champion at that time.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a version on each task's hold-out: intervals, calibration, flips, classes."""
    from growlearn.app.composition import open_artifacts, open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.evaluation_view import evaluation_view

    settings = load_settings()
    store, artifacts = open_store(settings), open_artifacts(settings)
    selected = _load_version(store, stream, version)
    tasks = () if selected is None else _load_metrics(store, artifacts, selected, task)
    prequential_result = _run_prequential(store, artifacts, stream) if prequential else None
    if as_json:
        print_json(evaluation_view(stream, selected, tasks, prequential_result))
        return
    _show_tasks(tasks)
    for metrics in tasks if task is not None else ():
        _show_task(metrics)
    if prequential_result is not None:
        _show_prequential(prequential_result)


def _load_version(store: Store, stream: str, version: int | None) -> Version | None:
    from growlearn.app.views import resolve_version
    from growlearn.registry.version_tree import get_version

    number = resolve_version(store.stream(stream), version)
    return None if number is None else get_version(store.versions(stream), number)


def _load_metrics(
    store: Store, artifacts: Artifacts, version: Version, task: str | None
) -> tuple[TaskMetrics, ...]:
    from growlearn.registry.version_metrics import load_version_metrics

    wanted = None if task is None else version.manifest.task(task).name
    all_metrics = load_version_metrics(store, artifacts, version.stream, version.number)
    return tuple(metrics for metrics in all_metrics if wanted in (None, metrics.task))


def _run_prequential(store: Store, artifacts: Artifacts, stream: str) -> PrequentialResult:
    from growlearn.app.cli.progress import show_progress
    from growlearn.app.composition import open_process_device
    from growlearn.app.current_settings import load_settings
    from growlearn.evaluation.prequential import evaluate_prequentially

    with show_progress() as on_progress:
        return evaluate_prequentially(
            store, artifacts, stream, on_progress, open_process_device(load_settings())
        )


def _show_tasks(tasks: Sequence[TaskMetrics]) -> None:
    from growlearn.domain.metric import METRICS

    names = dict.fromkeys(task.task_score.metric for task in tasks)
    own_metrics = [METRICS[name] for name in names if not METRICS[name].is_accuracy]
    show_table(
        (
            "task",
            "rows",
            *(metric.name for metric in own_metrics),
            "accuracy",
            "95 % interval",
            "without its name",
            "calibration error",
            "negative flips",
            "positive flips",
        ),
        [
            (
                metrics.task,
                metrics.task_score.rows,
                *(
                    metric.format_value(metrics.task_score.value)
                    if metric.name is metrics.task_score.metric
                    else None
                    for metric in own_metrics
                ),
                percent_or_dash(metrics.task_score.accuracy),
                _format_interval(metrics.task_score.interval),
                None if metrics.routed_score is None else percent_or_dash(metrics.routed_score.accuracy),
                None if metrics.calibration is None else percent_or_dash(metrics.calibration.ece),
                None if metrics.flips is None else metrics.flips.negative_count,
                None if metrics.flips is None else metrics.flips.positive_count,
            )
            for metrics in tasks
        ],
        empty="no tasks yet",
    )


def _format_interval(interval: ConfidenceInterval | None) -> str | None:
    return None if interval is None else f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"


def _show_task(metrics: TaskMetrics) -> None:
    if metrics.threshold is not None:
        second = metrics.classes[1]
        echo(f"predicted is {second!r} where its probability is above {metrics.threshold:.4g}")
    if metrics.positive_class is not None and metrics.task_score.metric == "average_precision":
        echo(f"average_precision is that of class {metrics.positive_class!r}")
    if metrics.class_metrics is None or metrics.calibration is None:
        echo("its predictions were not stored, so there are no further metrics")
        return
    if (
        metrics.flips is not None
        and metrics.previous_score is not None
        and metrics.previous_score.task != metrics.task
    ):
        echo(f"before, task {metrics.previous_score.task!r} answered these rows best")
    show_table(
        ("class", "rows", "precision", "recall", "F1", "accuracy against all others"),
        [
            (
                row.label,
                row.rows,
                *map(percent_or_dash, (row.precision, row.recall, row.f1, row.accuracy)),
            )
            for row in metrics.class_metrics
        ],
        empty="no classes",
    )
    _show_confusion(metrics)
    show_table(
        ("confidence", "rows", "mean confidence", "accuracy"),
        [
            (
                f"{100 * b.low:.0f} to {100 * b.high:.0f} %",
                b.rows,
                percent_or_dash(b.confidence),
                percent_or_dash(b.accuracy),
            )
            for b in metrics.calibration.bins
        ],
        empty="no rows",
    )


def _show_confusion(metrics: TaskMetrics) -> None:
    assert metrics.confusion_matrix is not None
    names = [*map(str, metrics.classes), "no class of the task"]
    rows = [(name, *counts) for name, counts in zip(names, metrics.confusion_matrix.tolist(), strict=True)]
    if not any(rows[-1][1:]):
        rows.pop()
    if len(metrics.classes) <= _MAX_COLUMNS:
        show_table(("true class, answered as", *names[:-1]), rows, empty="no rows")
        return
    wrong = [
        (name, names[predicted], count)
        for actual, (name, *counts) in enumerate(rows)
        for predicted, count in enumerate(counts)
        if predicted != actual and count
    ]
    show_table(
        ("true class", "answered as", "rows"),
        sorted(wrong, key=lambda pair: -pair[2])[:_MAX_PAIRS],
        empty="every row was answered right",
    )


def _show_prequential(result: PrequentialResult) -> None:
    from growlearn.domain.metric import METRICS

    metric = METRICS[result.metric]
    own = () if metric.is_accuracy else (metric.name,)
    show_table(
        ("window", "task", "version", "labelled rows", "not answered", *own, "accuracy", "95 % interval"),
        [
            (
                window.window.id,
                window.window.task,
                window.version,
                window.rows,
                window.unanswered,
                *(metric.format_value(window.metric_value) for _ in own),
                percent_or_dash(window.accuracy),
                _format_interval(window.interval),
            )
            for window in result.windows
        ],
        empty="no labelled window had a champion yet",
    )
    if result.windows:
        interval = _format_interval(result.interval)
        echo(
            f"prequential accuracy: {percent_or_dash(result.accuracy)} of {result.rows} rows ({interval}), "
            f"mean over {len(result.windows)} windows {percent_or_dash(result.mean_accuracy)}"
        )
    if result.windows and own:
        value = metric.format_value(result.value)
        echo(f"prequential {metric.name}: {value}, mean over windows by their labelled rows")
    if result.undefined:
        windows = ", ".join(result.undefined)
        echo(f"{metric.name} is not defined in {windows}: all their rows have one label")
    for reason, count in Counter(result.excluded.values()).items():
        echo(f"excluded: {count} windows ({reason})")
