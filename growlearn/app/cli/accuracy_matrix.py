"""Shows the accuracy matrix as a coloured table, with its metrics."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from growlearn.app.cli.output import (
    console,
    echo,
    fits_as_table,
    format_percent,
    is_narrow,
    show,
    show_wrapped,
)
from growlearn.domain.evaluation import AccuracyMatrix

_MIN_GREEN, _MIN_YELLOW = 0.9, 0.7
_BASELINE_NOTE = "needs evaluation: {single_task_baseline: true}"


def show_matrix(matrix: AccuracyMatrix) -> None:
    """Accuracy in per cent on hold-out rows: one row per growth, one column per task."""
    if _is_too_wide(matrix):
        _show_blocks(matrix)
    else:
        show(_make_table(matrix))
    _show_metrics(matrix)


def _is_too_wide(matrix: AccuracyMatrix) -> bool:
    columns = ("after growing", *matrix.tasks)
    rows = [[task, *("(100.00)" for _ in matrix.tasks)] for task in matrix.tasks]
    return not fits_as_table(columns, rows, console().width)


def _show_blocks(matrix: AccuracyMatrix) -> None:
    """One block a growth, one line a task: for many tasks, or a narrow terminal."""
    for i, row in enumerate(matrix.accuracy):
        block = Table.grid(padding=(0, 2))
        block.add_column(overflow="fold")
        block.add_column(justify="right", no_wrap=True)
        for j, value in enumerate(row):
            if value is not None:
                block.add_row(Text(matrix.tasks[j]), _format_cell(value, before_training=j > i))
        show(Text(f"after growing {matrix.tasks[i]}", style="bold"), block, "")


def _make_table(matrix: AccuracyMatrix) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("after growing")
    for task in matrix.tasks:
        table.add_column(Text(task), justify="right")
    for i, row in enumerate(matrix.accuracy):
        cells = [_format_cell(value, before_training=j > i) for j, value in enumerate(row)]
        table.add_row(Text(matrix.tasks[i]), *cells)
    return table


def _format_cell(value: float | None, *, before_training: bool) -> Text:
    if value is None:
        return Text("·", style="dim")
    text = f"{100 * value:.2f}"
    if before_training:
        return Text(f"({text})", style="dim")
    return Text(text, style="green" if value >= _MIN_GREEN else "yellow" if value >= _MIN_YELLOW else "red")


def _show_metrics(matrix: AccuracyMatrix) -> None:
    for name, value, meaning in _list_metrics(matrix):
        if is_narrow():
            echo(f"{name}: {value}")
            show_wrapped(meaning, indent=2)
        else:
            echo(f"{name:<30} {value:>14}   {meaning}")


def _list_metrics(matrix: AccuracyMatrix) -> list[tuple[str, str, str]]:
    return [
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


def _format_points(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:+.2f} points"
