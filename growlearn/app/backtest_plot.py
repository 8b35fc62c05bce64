"""A backtest as one PNG: one row per policy, windows from left to right. No pyplot, so no global state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from growlearn.app.backtest import BacktestResult
from growlearn.app.backtest_view import format_duration
from growlearn.domain.backtest import Replay, WindowReplay, find_change_points, forward_fill_regimes
from growlearn.domain.errors import GrowLearnError, make_write_error
from growlearn.domain.window import Verdict

MarkerStyle = tuple[str, str, str, float, Callable[[WindowReplay], bool]]

_MARKER_STYLES: tuple[MarkerStyle, ...] = (
    ("as before", "|", "tab:green", 30, lambda w: w.verdict in (Verdict.STABLE, Verdict.WARN)),
    ("inconclusive", "x", "grey", 30, lambda w: w.verdict is Verdict.INCONCLUSIVE),
    ("known task", "s", "tab:blue", 40, lambda w: w.verdict is Verdict.KNOWN_TASK),
    ("alarm", "o", "tab:red", 60, lambda w: w.alarm),
    ("training", "*", "black", 30, lambda w: w.grown),
)
"""Each mark: name, marker, colour, size in points squared, and which windows have it."""


def plot_backtest(backtest: BacktestResult) -> Figure:
    """Marks for alarms, trainings and known tasks; true changes as lines with the regime's name."""
    max_windows = max(len(replay.windows) for replay in backtest.replays)
    size = (min(18.0, 4 + 0.12 * max_windows), 1.6 + 0.55 * len(backtest.replays))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    for row, replay in enumerate(backtest.replays):
        _draw_change_points(axes, row, replay.windows)
    for name, marker, colour, area, is_marked in _MARKER_STYLES:
        points = [
            (position, row)
            for row, replay in enumerate(backtest.replays)
            for position, window in enumerate(replay.windows, 1)
            if is_marked(window)
        ]
        if points:
            xs, ys = zip(*points, strict=True)
            axes.scatter(xs, ys, marker=marker, color=colour, s=area, label=name)
    _label_axes(axes, backtest.replays)
    return figure


def _draw_change_points(axes: Axes, row: int, windows: Sequence[WindowReplay]) -> None:
    regimes = forward_fill_regimes(windows)
    for position in find_change_points(regimes):
        label = "true change" if row == 0 and position == find_change_points(regimes)[0] else ""
        axes.vlines(
            position + 0.5, row - 0.5, row + 0.5, color="tab:orange", linewidth=1, zorder=0, label=label
        )
        if row == 0:
            regime_name = (regimes[position] or "")[:16].replace("$", r"\$")
            axes.text(position + 0.6, -0.55, regime_name, fontsize=7, rotation=30, va="bottom")


def _label_axes(axes: Axes, replays: Sequence[Replay]) -> None:
    names = [f"{replay.policy[-32:]}\n{_replay_caption(replay)}".replace("$", r"\$") for replay in replays]
    axes.set_yticks(range(len(replays)), names, fontsize=8)
    axes.set_ylim(len(replays) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("window")
    axes.figure.legend(loc="outside lower center", ncols=3, fontsize=8)


def _replay_caption(replay: Replay) -> str:
    accuracy = "" if replay.accuracy is None else f", {100 * replay.accuracy:.1f} %"
    count = f"{replay.trainings} training{'' if replay.trainings == 1 else 's'}"
    return f"{count}, {format_duration(replay.training_hours)}{accuracy}"


def check_plot_path(path: Path) -> None:
    """Raise GrowLearnError where no plot can be written to this path, before any work is done."""
    if path.suffix.lower() != ".png":
        raise GrowLearnError(f"{path} is not a PNG file", hint="name one that ends in .png")
    if not path.absolute().parent.is_dir():
        raise GrowLearnError(f"{path} cannot be written: its folder does not exist", hint="create the folder")


def write_plot(backtest: BacktestResult, path: Path) -> None:
    """Draw a backtest into a file; raises GrowLearnError where it cannot be written."""
    try:
        plot_backtest(backtest).savefig(path, format="png", dpi=110)
    except OSError as error:
        raise make_write_error(path, error, "check the path") from error
