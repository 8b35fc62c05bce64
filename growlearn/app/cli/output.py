"""How words, tables and JSON reach a terminal or a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

DONE, FAILED, BAD_USAGE, QUARANTINED = 0, 1, 2, 3
"""Exit codes of every command."""

_WIDEST_PIPED = 160


def say(text: str) -> None:
    """One line to the reader."""
    typer.echo(text)


def warn(text: str) -> None:
    """One line about trouble, on stderr."""
    typer.echo(text, err=True)


def print_json(view: Mapping[str, Any]) -> None:
    """A listing for programs."""
    typer.echo(json.dumps(view, indent=2, ensure_ascii=False, allow_nan=False))


def show(*pieces: RenderableType) -> None:
    """Rich pieces, coloured on a terminal and plain in a pipe."""
    for piece in pieces:
        console().print(piece)


def console() -> Console:
    """A console that neither wraps tables in pipes nor reads markup into other people's words."""
    from rich.console import Console

    plain = Console(highlight=False, markup=False, emoji=False)
    return (
        plain
        if plain.is_terminal
        else Console(highlight=False, markup=False, emoji=False, width=_WIDEST_PIPED)
    )


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """A compact table; `empty` is said instead where there are no rows."""
    if not rows:
        say(empty)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    show(table)


def cell_text(cell: object) -> str:
    """A value as people read it: a dash for nothing, shares in per cent are the caller's matter."""
    if cell is None:
        return "-"
    if isinstance(cell, list | tuple):
        return ", ".join(map(str, cell)) or "-"
    return str(cell)


def percent(share: float | None) -> str:
    """A share of 1 as per cent."""
    return "-" if share is None else f"{100 * share:.2f} %"
