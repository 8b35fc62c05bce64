"""Long work as a progress bar on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from growlearn.app.cli.output import warn
from growlearn.domain.growth import Progress
from growlearn.ports import Report

_QUIET_S = 10.0


@contextmanager
def reporting() -> Iterator[Report]:
    """A Report for the time of the block; bars vanish at its end, lines stay. Goes to stderr."""
    if not sys.stderr.isatty():
        yield plain_lines(warn, time.monotonic)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        stages: dict[str, int] = {}

        def report(progress: Progress) -> None:
            if progress.stage not in stages:
                for old in stages.values():
                    bars.remove_task(old)  # type: ignore[arg-type]  # TaskID is an int
                stages.clear()
                stages[progress.stage] = bars.add_task(progress.stage, total=progress.total, note="")
            bars.update(
                stages[progress.stage],  # type: ignore[arg-type]  # TaskID is an int
                completed=progress.done,
                total=progress.total,
                note=progress.note,
            )

        yield report


def plain_lines(write: Callable[[str], None], seconds: Callable[[], float]) -> Report:
    """A line at the start and end of each stage, and one every ten seconds between."""
    lock = threading.Lock()
    last_stage, last_s = "", 0.0

    def report(progress: Progress) -> None:
        nonlocal last_stage, last_s
        if progress.total == 1 and progress.done == 0:
            return  # the start of a single step says nothing yet
        with lock:
            done = progress.total > 0 and progress.done >= progress.total
            if progress.stage == last_stage and not done and seconds() - last_s < _QUIET_S:
                return
            last_stage, last_s = progress.stage, seconds()
            write(line(progress))

    return report


def line(progress: Progress) -> str:
    """One stage's progress in words.

    >>> line(Progress(stage="train w3", done=2, total=6, note="loss 0.31"))
    'train w3: 2 of 6, loss 0.31'
    """
    share = f": {progress.done} of {progress.total}" if progress.total else ""
    return f"{progress.stage}{share}{', ' + progress.note if progress.note else ''}"
