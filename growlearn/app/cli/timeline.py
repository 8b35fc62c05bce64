"""A stream's windows as one character each, wrapped to the width of the terminal, with a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from growlearn.app.cli.output import console, show
from growlearn.domain.window import Verdict

_MARKS = {
    Verdict.FIRST: ("f", "cyan"),
    Verdict.STABLE: (".", "green"),
    Verdict.WARN: ("~", "yellow"),
    Verdict.DRIFT: ("d", "bold red"),
    Verdict.NEW_TASK: ("n", "bold magenta"),
    Verdict.KNOWN_TASK: ("=", "blue"),
    Verdict.CANNOT_JUDGE: ("?", "dim"),
    Verdict.FULL: ("#", "dim"),
}
"""A letter is written large where something was grown."""
_GROUP = 10


@dataclass(frozen=True)
class Moment:
    """One window on a timeline."""

    window: str
    verdict: Verdict
    grown: bool

    @property
    def mark(self) -> str:
        """One character."""
        mark = _MARKS[self.verdict][0]
        return mark.upper() if self.grown else mark


def show_timeline(moments: Sequence[Moment], title: str = "") -> None:
    """Lines of marks, each begun by its first window's id; nothing where there are no windows."""
    for line in timeline(moments, console().width, title):
        show(line)


def timeline(moments: Sequence[Moment], width: int, title: str = "") -> list[Text]:
    r"""The same as text of at most `width` columns; a line holds a multiple of ten marks where it can.

    >>> moments = [Moment(f"w{n}", Verdict.STABLE if n % 4 else Verdict.DRIFT, n == 4) for n in range(1, 25)]
    >>> print(*timeline(moments, 18), sep="\n")
    w1   ...D...d..
    w11  .d...d...d
    w21  ...d
    """
    name = max((len(moment.window) for moment in moments), default=0)
    margin = len(title) + 2 + name + 2 if title else name + 2
    room = max(1, width - margin)
    size = room - room % _GROUP if room > _GROUP else room
    return [
        _line(
            moments[at : at + size], (title if at == 0 else "").ljust(len(title) + 2) if title else "", name
        )
        for at in range(0, len(moments), size)
    ]


def _line(moments: Sequence[Moment], title: str, name: int) -> Text:
    line = Text(f"{title}{moments[0].window.ljust(name)}  ")
    for moment in moments:
        line.append(moment.mark, style=_MARKS[moment.verdict][1])
    return line


def legend(moments: Sequence[Moment]) -> Text:
    """What the marks on some timelines mean, those that stand there alone."""
    line, there = Text(), [moment.verdict for moment in moments]
    for verdict, (mark, style) in _MARKS.items():
        if verdict in there:
            line.append(mark, style=style).append(f" {verdict.value}   ")
    if any(moment.mark.isupper() for moment in moments):
        line.append("a capital: grown for")
    return line
