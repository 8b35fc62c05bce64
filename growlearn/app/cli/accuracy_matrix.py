"""Shows the accuracy matrix as a coloured table, with its metrics."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from growlearn.app.cli.output import echo, format_percent, show
from growlearn.domain.evaluation import AccuracyMatrix

_MIN_GREEN, _MIN_YELLOW = 0.9, 0.7
_BASELINE_NOTE = "needs evaluation: {single_task_baseline: true}"


def show_matrix(matrix: AccuracyMatrix) -> None:
    """Accuracy in per cent on hold-out rows: one row per growth, one column per task."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("after growing")
    for task in matrix.tasks:
        table.add_column(Text(task), justify="right")
    for i, row in enumerate(matrix.accuracy):
        cells = [_format_cell(value, before_training=j > i) for j, value in enumerate(row)]
        table.add_row(Text(matrix.tasks[i]), *cells)
    show(table)
    echo(_metric_lines(matrix))


def _format_cell(value: float | None, *, before_training: bool) -> Text:
    if value is None:
        return Text("·", style="dim")
    text = f"{100 * value:.2f}"
    if before_training:
        return Text(f"({text})", style="dim")
    return Text(text, style="green" if value >= _MIN_GREEN else "yellow" if value >= _MIN_YELLOW else "red")


def _metric_lines(matrix: AccuracyMatrix) -> str:
    lines = [
        ("average accuracy", format_percent(matrix.average_accuracy), "mean of the last row"),
        (
            "backward transfer",
            _format_points(matrix.backward_transfer),
            "change of accuracy on earlier tasks by later growth",
        ),
        (
            "forward transfer",
            _format_points(matrix.forward_transfer),
            "a new task before its branch is trained (in brackets), above chance level",
        ),
        (
            "forgetting",
            _format_points(matrix.forgetting),
            "best past accuracy minus the current one, mean over earlier tasks; 0: nothing forgotten",
        ),
        (
            "intransigence",
            _format_points(matrix.intransigence),
            f"accuracy lost against training on the task alone; {_BASELINE_NOTE}",
        ),
    ]
    return "\n".join(f"{name:<30} {value:>14}   {meaning}" for name, value, meaning in lines)


def _format_points(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:+.2f} points"
