"""What a terminal of any width and a stream of any encoding is given."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

import pytest
from rich.console import Console

from growlearn.app.cli import accuracy_matrix, output
from growlearn.app.cli.inspect import show_versions
from growlearn.domain.evaluation import AccuracyMatrix

REASON = "still like task 'task-1': no test rejected at 0.001"
COLUMNS = ("id", "state", "rows", "quarantined", "task", "verdict", "reason", "source")
ROWS = [
    ("w1", "promoted", 240, 0, "task-1", "first", "the first window of this stream", "january.csv"),
    ("w2", "skipped", 240, 1, "task-1", "stable", REASON, "february.csv"),
]

Terminal = Callable[[int], None]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of so many columns."""

    def set_width(width: int) -> None:
        def make() -> Console:
            return Console(width=width, highlight=False, markup=False, emoji=False)

        for module in (output, accuracy_matrix):
            monkeypatch.setattr(module, "console", make)

    return set_width


def test_on_a_narrow_terminal_each_row_is_a_block_of_whole_words(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(40)
    output.show_table(COLUMNS, ROWS, empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert [line.rstrip() for line in lines[10:]] == [
        "id           w2",
        "state        skipped",
        "rows         240",
        "quarantined  1",
        "task         task-1",
        "verdict      stable",
        "reason       still like task 'task-1':",
        "             no test rejected at 0.001",
        "source       february.csv",
        "",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 200])
def test_no_word_of_any_width_is_cut_and_no_line_too_long(
    width: int, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(width)
    output.show_table(COLUMNS, ROWS, empty="none")
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    for word in (*COLUMNS, *(word for row in ROWS for cell in row for word in str(cell).split())):
        assert word in words


def test_a_wide_terminal_has_a_table(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(160)
    output.show_table(COLUMNS, ROWS, empty="none")
    assert capsys.readouterr().out.split("\n")[1].split() == list(COLUMNS)


def test_the_versions_fit_forty_columns(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(40)
    version = {"version": 1, "aliases": ["champion"], "average_accuracy": 0.93, "branches": ["b1"]}
    show_versions([version | {"mlflow_version": "1", "created_at": "2026-11-29T07:00:00+00:00"}])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()[:3]] == [
        "version           1",
        "aliases           champion",
        "average accuracy  93.00 %",
    ]


def test_the_matrix_fits_forty_columns(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(40)
    tasks = ("upright", "turned", "inverted")
    accuracy = ((0.9, 0.1, 0.5), (0.9, 0.8, 0.6), (0.9, 0.8, 0.77))
    matrix = AccuracyMatrix(tasks=tasks, accuracy=accuracy, chance_level=(0.5,) * 3, single_task=(None,) * 3)
    accuracy_matrix.show_matrix(matrix)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert max(map(len, lines)) <= 40
    assert lines[:4] == [
        "after growing upright",
        "upright     90.00",
        "turned    (10.00)",
        "inverted  (50.00)",
    ]
    assert "average accuracy: 82.33 %" in lines


def ascii_stream(encoding: str = "ascii") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding)


def bytes_of(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("größe → 1 ≤ 2", rb"gr\xf6\xdfe -> 1 <= 2"),
        ("数据 🚀", rb"\u6570\u636e \U0001f680"),
        ("a file \udcff.csv", rb"a file \udcff.csv"),
    ],
)
def test_a_character_that_the_stream_cannot_hold_is_an_escape_or_a_sign_like_it(
    text: str, expected: bytes
) -> None:
    stream = ascii_stream()
    with redirect_stdout(stream):
        output.accept_any_text()
        output.echo(text)
    assert bytes_of(stream) == expected + b"\n"


def test_a_file_name_that_is_no_utf_8_can_be_written_to_a_utf_8_stream() -> None:
    stream = ascii_stream("utf-8")
    with redirect_stdout(stream):
        output.accept_any_text()
        output.echo("größe \udcff.csv")
    assert bytes_of(stream) == "größe \\udcff.csv\n".encode()


def test_a_table_on_an_ascii_stream_has_ascii_lines() -> None:
    stream = ascii_stream()
    with redirect_stdout(stream):
        output.accept_any_text()
        output.show_table(("größe", "b"), [("ü", "≥ 1")], empty="")
    assert rb"\xfc" in bytes_of(stream)
    assert b">= 1" in bytes_of(stream)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_says_the_same_in_every_encoding(encoding: str) -> None:
    view = {"task": "größe → 数据"}
    stream = ascii_stream(encoding)
    with redirect_stdout(stream):
        output.accept_any_text()
        output.print_json(view)
    assert json.loads(bytes_of(stream).decode(encoding)) == view


def test_streams_that_cannot_be_reconfigured_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    output.accept_any_text()
    output.echo("größe")
    assert isinstance(sys.stdout, io.StringIO)
    assert sys.stdout.getvalue() == "größe\n"
