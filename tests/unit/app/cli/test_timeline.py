from __future__ import annotations

import pytest

from growlearn.app.cli.timeline import (
    _VERDICT_MARKS,
    TimelinePoint,
    render_legend,
    render_timeline,
    show_timeline,
)
from growlearn.domain.window import Verdict


def moments(*verdicts: Verdict) -> list[TimelinePoint]:
    return [TimelinePoint(f"w{at}", verdict, verdict.needs_growth) for at, verdict in enumerate(verdicts, 1)]


def test_every_verdict_has_a_mark_of_its_own() -> None:
    assert list(_VERDICT_MARKS) == list(Verdict)
    assert len({mark for mark, _ in _VERDICT_MARKS.values()}) == len(Verdict)


@pytest.mark.parametrize("width", [1, 5, 12, 80])
@pytest.mark.parametrize("title", ["", "job"])
def test_no_mark_is_lost_and_no_line_too_wide(width: int, title: str) -> None:
    many = moments(*[Verdict.STABLE, Verdict.DRIFT] * 40)
    lines = render_timeline(many, width, title)
    marks = "".join(line.plain.split()[-1] for line in lines)
    assert marks == ".D" * 40
    margin = len(f"{title}  " if title else "") + len("w80  ")
    assert all(len(line.plain) <= max(width, margin + 1) for line in lines)
    assert render_timeline([], width, title) == []


def test_the_title_stands_once() -> None:
    lines = [line.plain for line in render_timeline(moments(*[Verdict.STABLE] * 25), 22, "job")]
    assert lines == ["job  w1   ..........", "     w11  ..........", "     w21  ....."]


def test_the_legend_tells_what_is_there_alone() -> None:
    legend = render_legend(moments(Verdict.STABLE, Verdict.DRIFT)).plain
    assert legend == ". stable   d drift   a capital: grown for"
    assert "capital" not in render_legend(moments(Verdict.STABLE)).plain


def test_a_pipe_gets_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    show_timeline(moments(Verdict.FIRST, Verdict.KNOWN_TASK))
    assert capsys.readouterr().out == "w1  F=\n"
