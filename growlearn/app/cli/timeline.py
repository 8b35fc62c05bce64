"""A stream's windows as one character each, wrapped to the terminal's width, with a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from growlearn.app.cli.output import console, show
from growlearn.domain.window import Verdict

_VERDICT_MARKS = {
    Verdict.FIRST: ("f", "cyan"),
    Verdict.STABLE: (".", "green"),
    Verdict.WARN: ("~", "yellow"),
    Verdict.DRIFT: ("d", "bold red"),
    Verdict.NEW_TASK: ("n", "bold magenta"),
    Verdict.KNOWN_TASK: ("=", "blue"),
    Verdict.INCONCLUSIVE: ("?", "dim"),
    Verdict.FULL: ("#", "dim"),
}
"""A letter is written as a capital where a branch was grown."""
_MARKS_PER_GROUP = 10


@dataclass(frozen=True)
class TimelinePoint:
    """One window on a timeline."""

    window: str
    verdict: Verdict
    grown: bool

    @property
    def mark(self) -> str:
        """One character."""
        mark = _VERDICT_MARKS[self.verdict][0]
        return mark.upper() if self.grown else mark


def show_timeline(points: Sequence[TimelinePoint], title: str = "") -> None:
    """Write lines of marks, each starting with the id of its first window; nothing for no windows."""
    for line in render_timeline(points, console().width, title):
        show(line)


def render_timeline(points: Sequence[TimelinePoint], width: int, title: str = "") -> list[Text]:
    r"""The same as text of at most `width` columns; a line holds a multiple of ten marks where it can.

    >>> verdicts = [Verdict.STABLE if n % 4 else Verdict.DRIFT for n in range(1, 25)]
    >>> points = [TimelinePoint(f"w{n}", verdict, n == 4) for n, verdict in enumerate(verdicts, 1)]
    >>> print(*render_timeline(points, 18), sep="\n")
    w1   ...D...d..
    w11  .d...d...d
    w21  ...d
    """
    id_width = max((len(point.window) for point in points), default=0)
    margin = len(title) + 2 + id_width + 2 if title else id_width + 2
    max_marks = max(1, width - margin)
    size = max_marks - max_marks % _MARKS_PER_GROUP if max_marks > _MARKS_PER_GROUP else max_marks
    return [
        _render_line(
            points[start : start + size],
            (title if start == 0 else "").ljust(len(title) + 2) if title else "",
            id_width,
        )
        for start in range(0, len(points), size)
    ]


def _render_line(points: Sequence[TimelinePoint], title: str, id_width: int) -> Text:
    line = Text(f"{title}{points[0].window.ljust(id_width)}  ")
    for point in points:
        line.append(point.mark, style=_VERDICT_MARKS[point.verdict][1])
    return line


def render_legend(points: Sequence[TimelinePoint]) -> Text:
    """The meaning of the marks that occur on some timelines."""
    line, verdicts = Text(), [point.verdict for point in points]
    for verdict, (mark, style) in _VERDICT_MARKS.items():
        if verdict in verdicts:
            line.append(mark, style=style).append(f" {verdict.value}   ")
    if any(point.mark.isupper() for point in points):
        line.append("a capital: grown for")
    return line
