"""Shows the accuracy matrix as a coloured table, with its metrics."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from growlearn.app.cli.output import (
    console,
    echo,
    fits_as_table,
    is_narrow,
    make_text,
    percent_or_dash,
    show,
    show_wrapped,
)
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.metric import METRICS, Metric

_MIN_GREEN, _MIN_YELLOW = 0.9, 0.7
_BASELINE_NOTE = "needs evaluation: {single_task_baseline: true}"


def show_matrix(matrix: AccuracyMatrix) -> None:
    """Accuracy in per cent on hold-out rows, or the job's metric: one row per growth, one column per task."""
    metric = METRICS[matrix.metric]
    if _is_too_wide(matrix):
        _show_blocks(matrix, metric)
    else:
        show(_make_table(matrix, metric))
    if not metric.is_accuracy:
        show_wrapped(f"values are of {metric.name} on hold-out rows; · where there is none")
    _show_metrics(matrix, metric)


def _is_too_wide(matrix: AccuracyMatrix) -> bool:
    columns = ("after growing", *matrix.tasks)
    rows = [[task, *("(100.00)" for _ in matrix.tasks)] for task in matrix.tasks]
    return not fits_as_table(columns, rows, console().width)


def _show_blocks(matrix: AccuracyMatrix, metric: Metric) -> None:
    """One block a growth, one line a task: for many tasks, or a narrow terminal."""
    for i, row in enumerate(matrix.metric_values):
        block = Table.grid(padding=(0, 2))
        block.add_column(overflow="fold")
        block.add_column(justify="right", no_wrap=True)
        for j, value in enumerate(row):
            if value is not None:
                block.add_row(make_text(matrix.tasks[j]), _format_cell(value, metric, before_training=j > i))
        show(make_text(f"after growing {matrix.tasks[i]}", style="bold"), block, "")


def _make_table(matrix: AccuracyMatrix, metric: Metric) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("after growing")
    for task in matrix.tasks:
        table.add_column(make_text(task), justify="right")
    for i, row in enumerate(matrix.metric_values):
        cells = [_format_cell(value, metric, before_training=j > i) for j, value in enumerate(row)]
        table.add_row(make_text(matrix.tasks[i]), *cells)
    return table


def _format_cell(value: float | None, metric: Metric, *, before_training: bool) -> Text:
    if value is None:
        return Text("·", style="dim")
    text = f"{100 * value:.2f}" if metric.is_share else f"{value:.4f}"
    if before_training:
        return Text(f"({text})", style="dim")
    if not metric.is_accuracy:
        return Text(text)  # what is high or low depends on the rows
    return Text(text, style="green" if value >= _MIN_GREEN else "yellow" if value >= _MIN_YELLOW else "red")


def _show_metrics(matrix: AccuracyMatrix, metric: Metric) -> None:
    for name, value, meaning in _list_metrics(matrix, metric):
        if is_narrow():
            echo(f"{name}: {value}")
            show_wrapped(meaning, indent=2)
        else:
            echo(f"{name:<30} {value:>14}   {meaning}")


def _list_metrics(matrix: AccuracyMatrix, metric: Metric) -> list[tuple[str, str, str]]:
    lines = [
        ("average accuracy", percent_or_dash(matrix.average_accuracy), "mean of the last row"),
        (
            "backward transfer",
            _format_gain(matrix.backward_transfer, metric),
            f"change of {metric.name} on earlier tasks by later growth",
        ),
        (
            "forward transfer",
            _format_gain(matrix.forward_transfer, metric),
            "a new task before its branch is trained (in brackets), above chance level",
        ),
        (
            "forgetting",
            _format_gain(matrix.forgetting, metric),
            f"best past {metric.name} minus the current one, mean over earlier tasks; 0: nothing forgotten",
        ),
        (
            "intransigence",
            _format_gain(matrix.intransigence, metric),
            f"{metric.name} lost against training on the task alone; {_BASELINE_NOTE}",
        ),
    ]
    if not metric.is_accuracy:
        average = "-" if matrix.average_value is None else metric.format_value(matrix.average_value)
        lines.insert(0, (f"average {metric.name}", average, "mean of the last row"))
        lines[1] = ("average accuracy", lines[1][1], "of the same version")
    return lines


def _format_gain(gain: float | None, metric: Metric) -> str:
    return "-" if gain is None else metric.format_gain(gain)
