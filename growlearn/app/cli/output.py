"""Writes text, tables and JSON to a terminal or a pipe."""

from __future__ import annotations

import codecs
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from growlearn.app.log_lines import format_line
from growlearn.domain.printable import escape_json, printable
from growlearn.domain.redaction import redact, redact_values

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

DONE, FAILED, BAD_USAGE, QUARANTINED = 0, 1, 2, 3
"""Exit codes of every command."""

_MAX_PIPED_WIDTH = 160
_MIN_CELL_WIDTH = 16  # a wider cell may be wrapped down to this
_NARROW_WIDTH = 100
_ASCII = {"→": "->", "·": ".", "…": "...", "±": "+-", "≤": "<=", "≥": ">="}
_ERROR_HANDLER = "growlearn.ascii"


def _encode_in_ascii(error: UnicodeError) -> tuple[str, int]:
    r"""Characters that a stream cannot hold, as plain signs that look alike or as escapes such as \xfc."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    text = "".join(
        _ASCII.get(char) or char.encode("ascii", "backslashreplace").decode() for char in characters
    )
    return text, error.end


codecs.register_error(_ERROR_HANDLER, _encode_in_ascii)


def accept_any_text() -> None:
    """Let stdout and stderr take every character, in whatever encoding: as an escape rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_ERROR_HANDLER)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_PrintableFormatter())


class _PrintableFormatter(logging.Formatter):
    """The message of a log record on one line; a traceback may follow it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name is logging's
        return printable(super().formatMessage(record))


def echo(text: str) -> None:
    """Write one line to stdout, as all text goes there: no credentials, escapes for what is not printable."""
    sys.stdout.write(f"{format_line(text, 'info')}\n")
    sys.stdout.flush()


def echo_error(text: str, level: str = "error") -> None:
    """Write one line to stderr, in the same way."""
    sys.stderr.write(f"{format_line(text, level)}\n")
    sys.stderr.flush()


def print_json(view: Mapping[str, Any]) -> None:
    """Write a listing as JSON, without credentials; all of it in ASCII where the stream holds no more."""
    is_unicode = str(sys.stdout.encoding).lower().startswith("utf")
    text = json.dumps(redact_values(view), indent=2, ensure_ascii=not is_unicode, allow_nan=False)
    sys.stdout.write(f"{escape_json(text)}\n")
    sys.stdout.flush()


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
    """Write a compact table, or the text `empty` where there are no rows.

    On a terminal too narrow for it each row becomes a block, one line a column.
    """
    if rows:
        show(*make_table(columns, rows))
    else:
        echo(empty)


def make_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Sequence[RenderableType]:
    """The same, of some rows, for rich to write."""
    cells = [[format_cell(cell) for cell in row] for row in rows]
    if fits_as_table(columns, cells, console().width):
        return [_make_table(columns, cells)]
    return [part for row in cells for part in (_make_block(columns, row), "")]


def fits_as_table(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> bool:
    """Whether no cell need be wrapped to less than its width or 16 characters, whichever is less."""
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    return sum(min(cell_width, _MIN_CELL_WIDTH) + 3 for cell_width in widths) <= width


def is_narrow() -> bool:
    """Whether lines that explain something are to be wrapped for a narrow terminal."""
    return console().width < _NARROW_WIDTH


def show_wrapped(text: str, indent: int = 0) -> None:
    """Write a text wrapped between words to the terminal's width, indented."""
    from rich.padding import Padding

    show(Padding(make_text(text, overflow="fold"), (0, 0, 0, indent)))


def make_text(text: str, style: str = "", overflow: Literal["fold"] | None = None) -> Text:
    """Text for rich; what is not printable becomes an escape."""
    from rich.text import Text

    return Text(printable(text), style=style, overflow=overflow)


def _make_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(make_text(column), overflow="fold")
    for row in cells:
        table.add_row(*map(make_text, row))
    return table


def _make_block(columns: Sequence[str], row: Sequence[str]) -> Table:
    from rich.table import Table

    block = Table.grid(padding=(0, 2))
    block.add_column(style="bold", overflow="fold", max_width=_MIN_CELL_WIDTH)
    block.add_column(overflow="fold")
    for column, cell in zip(columns, row, strict=True):
        block.add_row(make_text(column), make_text(cell))
    return block


def format_cell(cell: object) -> str:
    """A value as printable text, a dash for None; the caller formats percentages."""
    if cell is None:
        return "-"
    if isinstance(cell, list | tuple):
        return printable(redact(", ".join(map(str, cell)))) or "-"
    return printable(redact(str(cell)))


def percent_or_dash(fraction: float | None) -> str:
    """A fraction as per cent."""
    return "-" if fraction is None else f"{100 * fraction:.2f} %"
