"""evaluate: every figure of a version's hold-outs, and of the stream's life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.look import AsJson, StreamName
from growlearn.app.cli.output import percent, print_json, say, show_table
from growlearn.app.views import shown_version

if TYPE_CHECKING:
    from growlearn.domain.interval import Interval
    from growlearn.domain.lineage import Version
    from growlearn.evaluation.figures.task import TaskFigures
    from growlearn.ports import Artifacts, Store
    from growlearn.serving.life import Life

_MOST_COLUMNS = 16  # of more classes, what was taken for what is listed
_MOST_PAIRS = 20


def register(app: typer.Typer) -> None:
    """Put this group's command into the program."""
    app.command(rich_help_panel="Look")(evaluate)


def evaluate(
    stream: StreamName,
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", help="The champion where left out.")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="One task: its classes, confusion and calibration too.")
    ] = None,
    life: Annotated[
        bool, typer.Option("--life", help="Answer every window with the champion of its day, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """How well a version answers each task's hold-out: intervals, calibration, flips, classes."""
    from growlearn.app.composition import open_artifacts, open_record
    from growlearn.app.evaluation_view import evaluation_view
    from growlearn.app.here import settings

    here = settings()
    store, artifacts = open_record(here), open_artifacts(here)
    shown = _version(store, stream, version)
    tasks = () if shown is None else _tasks(store, artifacts, shown, task)
    lived = _life(store, artifacts, stream) if life else None
    if as_json:
        print_json(evaluation_view(stream, shown, tasks, lived))
        return
    _show_tasks(tasks)
    for figures in tasks if task is not None else ():
        _show_one(figures)
    if lived is not None:
        _show_life(lived)


def _version(store: Store, stream: str, version: int | None) -> Version | None:
    from growlearn.registry.ancestry import find

    number = shown_version(store.stream(stream), version)
    return None if number is None else find(store.versions(stream), number)


def _tasks(store: Store, artifacts: Artifacts, version: Version, task: str | None) -> tuple[TaskFigures, ...]:
    from growlearn.registry.figures import figures_for

    wanted = None if task is None else version.manifest.task(task).name
    found = figures_for(store, artifacts, version.stream, version.number)
    return tuple(figures for figures in found if wanted in (None, figures.task))


def _life(store: Store, artifacts: Artifacts, stream: str) -> Life:
    from growlearn.app.cli.progress import reporting
    from growlearn.serving.life import life_of

    with reporting() as report:
        return life_of(store, artifacts, stream, report)


def _show_tasks(tasks: Iterable[TaskFigures]) -> None:
    show_table(
        (
            "task",
            "rows",
            "accuracy",
            "95 % interval",
            "without its name",
            "calibration error",
            "negative flips",
            "positive flips",
        ),
        [
            (
                each.task,
                each.cell.rows,
                percent(each.cell.accuracy),
                _span(each.cell.interval),
                None if each.routed is None else percent(each.routed.accuracy),
                None if each.calibration is None else percent(each.calibration.error),
                None if each.flips is None else each.flips.lost,
                None if each.flips is None else each.flips.gained,
            )
            for each in tasks
        ],
        empty="no tasks yet",
    )


def _span(interval: Interval | None) -> str | None:
    return None if interval is None else f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"


def _show_one(figures: TaskFigures) -> None:
    if figures.per_class is None or figures.calibration is None:
        say("its answers were not stored: nothing more is known of it")
        return
    if figures.flips is not None and figures.before is not None and figures.before.task != figures.task:
        say(f"before, task {figures.before.task!r} answered these rows best")
    show_table(
        ("class", "rows", "precision", "recall", "F1", "accuracy against all others"),
        [
            (each.label, each.rows, *map(percent, (each.precision, each.recall, each.f1, each.accuracy)))
            for each in figures.per_class
        ],
        empty="no classes",
    )
    _show_confusion(figures)
    show_table(
        ("confidence", "rows", "mean confidence", "accuracy"),
        [
            (f"{100 * b.low:.0f} to {100 * b.high:.0f} %", b.rows, percent(b.confidence), percent(b.accuracy))
            for b in figures.calibration.bins
        ],
        empty="no rows",
    )


def _show_confusion(figures: TaskFigures) -> None:
    assert figures.counts is not None
    names = [*map(str, figures.classes), "no class of the task"]
    rows = [(name, *counts) for name, counts in zip(names, figures.counts.tolist(), strict=True)]
    if not any(rows[-1][1:]):
        rows.pop()
    if len(figures.classes) <= _MOST_COLUMNS:
        show_table(("true class, answered as", *names[:-1]), rows, empty="no rows")
        return
    wrong = [
        (name, names[at], count)
        for place, (name, *counts) in enumerate(rows)
        for at, count in enumerate(counts)
        if at != place and count
    ]
    show_table(
        ("true class", "answered as", "rows"),
        sorted(wrong, key=lambda pair: -pair[2])[:_MOST_PAIRS],
        empty="every row was answered right",
    )


def _show_life(life: Life) -> None:
    show_table(
        ("window", "task", "version", "labelled rows", "not answered", "accuracy", "95 % interval"),
        [
            (
                each.window.id,
                each.window.task,
                each.version,
                each.rows,
                each.unanswered,
                percent(each.accuracy),
                _span(each.interval),
            )
            for each in life.windows
        ],
        empty="no window with labels was met by a champion yet",
    )
    if life.windows:
        say(
            f"composite score: {percent(life.accuracy)} of {life.rows} rows ({_span(life.interval)}), "
            f"mean over {len(life.windows)} windows {percent(life.mean_accuracy)}"
        )
    for reason, count in Counter(life.left_out.values()).items():
        say(f"left out: {count} windows ({reason})")
