"""A backtest as one PNG: a row a policy, windows from left to right. No pyplot, so no state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from growlearn.app.backtest import Backtest
from growlearn.app.backtest_view import told_time
from growlearn.domain.backtest import Replay, Replayed, regimes_of, turns
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.window import Verdict

Kind = tuple[str, str, str, float, Callable[[Replayed], bool]]

_KINDS: tuple[Kind, ...] = (
    ("as before", "|", "tab:green", 30, lambda w: w.verdict in (Verdict.STABLE, Verdict.WARN)),
    ("cannot judge", "x", "grey", 30, lambda w: w.verdict is Verdict.CANNOT_JUDGE),
    ("known task", "s", "tab:blue", 40, lambda w: w.verdict is Verdict.KNOWN_TASK),
    ("alarm", "o", "tab:red", 60, lambda w: w.alarm),
    ("training", "*", "black", 30, lambda w: w.grown),
)
"""What is marked: its name, marker, colour, size in points squared, and which windows it is."""


def backtest_picture(backtest: Backtest) -> Figure:
    """Marks for alarms, trainings and known tasks; true changes as lines with the regime's name."""
    longest = max(len(replay.windows) for replay in backtest.replays)
    size = (min(18.0, 4 + 0.12 * longest), 1.6 + 0.55 * len(backtest.replays))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    for row, replay in enumerate(backtest.replays):
        _draw_changes(axes, row, replay.windows)
    for name, marker, colour, area, is_one in _KINDS:
        places = [
            (at, row)
            for row, replay in enumerate(backtest.replays)
            for at, window in enumerate(replay.windows, 1)
            if is_one(window)
        ]
        if places:
            across, down = zip(*places, strict=True)
            axes.scatter(across, down, marker=marker, color=colour, s=area, label=name)
    _name(axes, backtest.replays)
    return figure


def _draw_changes(axes: Axes, row: int, windows: Sequence[Replayed]) -> None:
    regimes = regimes_of(windows)
    for at in turns(regimes):
        label = "true change" if row == 0 and at == turns(regimes)[0] else ""
        axes.vlines(at + 0.5, row - 0.5, row + 0.5, color="tab:orange", linewidth=1, zorder=0, label=label)
        if row == 0:
            told = (regimes[at] or "")[:16].replace("$", r"\$")
            axes.text(at + 0.6, -0.55, told, fontsize=7, rotation=30, va="bottom")


def _name(axes: Axes, replays: Sequence[Replay]) -> None:
    names = [f"{each.policy[-32:]}\n{_told(each)}".replace("$", r"\$") for each in replays]
    axes.set_yticks(range(len(replays)), names, fontsize=8)
    axes.set_ylim(len(replays) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("window")
    axes.figure.legend(loc="outside lower center", ncols=3, fontsize=8)


def _told(replay: Replay) -> str:
    answered = "" if replay.accuracy is None else f", {100 * replay.accuracy:.1f} %"
    count = f"{replay.trainings} training{'' if replay.trainings == 1 else 's'}"
    return f"{count}, {told_time(replay.hours)}{answered}"


def check_picture(path: Path) -> None:
    """Raise GrowLearnError where no picture can be written to this path, before any work is done."""
    if path.suffix.lower() != ".png":
        raise GrowLearnError(f"{path} is no PNG file", cure="name one that ends in .png")
    if not path.absolute().parent.is_dir():
        raise GrowLearnError(f"{path} cannot be written: its folder does not exist", cure="create the folder")


def write_picture(backtest: Backtest, path: Path) -> None:
    """Draw a backtest into a file; raises GrowLearnError where it cannot be written."""
    try:
        backtest_picture(backtest).savefig(path, format="png", dpi=110)
    except OSError as error:
        raise GrowLearnError(f"{path} cannot be written: {error.strerror}", cure="check the path") from error
