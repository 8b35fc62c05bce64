"""Writes text, tables and JSON to a terminal or a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

DONE, FAILED, BAD_USAGE, QUARANTINED = 0, 1, 2, 3
"""Exit codes of every command."""

_MAX_PIPED_WIDTH = 160


def echo(text: str) -> None:
    """Write one line to stdout."""
    typer.echo(text)


def echo_error(text: str) -> None:
    """Write one line to stderr."""
    typer.echo(text, err=True)


def print_json(view: Mapping[str, Any]) -> None:
    """Write a listing as JSON."""
    typer.echo(json.dumps(view, indent=2, ensure_ascii=False, allow_nan=False))


def show(*renderables: RenderableType) -> None:
    """Write rich renderables: coloured on a terminal, plain in a pipe."""
    for renderable in renderables:
        console().print(renderable)


def console() -> Console:
    """A console that does not wrap tables in pipes and does not interpret markup in user text."""
    from rich.console import Console

    plain = Console(highlight=False, markup=False, emoji=False)
    return (
        plain
        if plain.is_terminal
        else Console(highlight=False, markup=False, emoji=False, width=_MAX_PIPED_WIDTH)
    )


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Write a compact table, or the text `empty` where there are no rows."""
    if not rows:
        echo(empty)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(format_cell(cell)) for cell in row))
    show(table)


def format_cell(cell: object) -> str:
    """A value as text, a dash for None; the caller formats percentages."""
    if cell is None:
        return "-"
    if isinstance(cell, list | tuple):
        return ", ".join(map(str, cell)) or "-"
    return str(cell)


def format_percent(fraction: float | None) -> str:
    """A fraction as per cent."""
    return "-" if fraction is None else f"{100 * fraction:.2f} %"
