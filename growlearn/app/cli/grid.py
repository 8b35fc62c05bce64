"""The accuracy matrix as a coloured grid, with its figures in words."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from growlearn.app.cli.output import percent, say, show
from growlearn.domain.evaluation import AccuracyMatrix

_GREEN, _YELLOW = 0.9, 0.7


def show_matrix(matrix: AccuracyMatrix) -> None:
    """Rows by growth, columns by task, per cent of hold-out rows answered right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("after growing")
    for task in matrix.tasks:
        table.add_column(Text(task), justify="right")
    for i, row in enumerate(matrix.accuracy):
        cells = [_cell(value, before_birth=j > i) for j, value in enumerate(row)]
        table.add_row(Text(matrix.tasks[i]), *cells)
    show(table)
    say(_figures(matrix))


def _cell(value: float | None, *, before_birth: bool) -> Text:
    if value is None:
        return Text("·", style="dim")
    text = f"{100 * value:.2f}"
    if before_birth:
        return Text(f"({text})", style="dim")
    return Text(text, style="green" if value >= _GREEN else "yellow" if value >= _YELLOW else "red")


def _figures(matrix: AccuracyMatrix) -> str:
    lines = [
        ("average accuracy", percent(matrix.average_accuracy), "mean of the last row"),
        (
            "backward transfer",
            _points(matrix.backward_transfer),
            "what later growth changed on earlier tasks",
        ),
        (
            "forward transfer",
            _points(matrix.forward_transfer),
            "a new task before its branch is trained (in brackets), above guessing",
        ),
        (
            "forward transfer (alone)",
            _points(matrix.forward_transfer_alone),
            "a new task once trained, above a model trained on it alone; with evaluation: {reference: alone}",
        ),
        (
            "forgetting",
            _points(matrix.forgetting),
            "best past accuracy minus the current one, mean over earlier tasks; 0 is nothing forgotten",
        ),
        (
            "intransigence",
            _points(matrix.intransigence),
            "what growing cost against training alone; measured with evaluation: {reference: alone}",
        ),
    ]
    return "\n".join(f"{name:<24} {figure:>14}   {meaning}" for name, figure, meaning in lines)


def _points(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:+.2f} points"
