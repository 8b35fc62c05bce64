"""Shows progress as a bar on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from growlearn.app.cli.output import echo_error
from growlearn.domain.growth import HEARTBEAT, Progress
from growlearn.domain.printable import printable
from growlearn.ports import ProgressCallback

_LINE_INTERVAL_S = 10.0


@contextmanager
def show_progress() -> Iterator[ProgressCallback]:
    """A progress callback for the block, writing to stderr; bars vanish at its end, lines stay."""
    if not sys.stderr.isatty():
        yield make_line_reporter(echo_error, time.monotonic)
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

        def on_progress(progress: Progress) -> None:
            if progress == HEARTBEAT:
                return
            if progress.stage not in stages:
                for old in stages.values():
                    bars.remove_task(old)  # type: ignore[arg-type]  # TaskID is an int
                stages.clear()
                stages[progress.stage] = bars.add_task(progress.stage, total=progress.total, note="")
            bars.update(
                stages[progress.stage],  # type: ignore[arg-type]  # TaskID is an int
                completed=progress.done,
                total=progress.total,
                note=printable(progress.note),
            )

        yield on_progress


def make_line_reporter(write: Callable[[str], None], seconds: Callable[[], float]) -> ProgressCallback:
    """A line at the start and end of each stage, and one every ten seconds between."""
    lock = threading.Lock()
    last_stage, last_s = "", 0.0

    def on_progress(progress: Progress) -> None:
        nonlocal last_stage, last_s
        if progress.total == 1 and progress.done == 0:
            return  # the start of a single step carries no information
        with lock:
            done = progress.total > 0 and progress.done >= progress.total
            if progress.stage == last_stage and not done and seconds() - last_s < _LINE_INTERVAL_S:
                return
            last_stage, last_s = progress.stage, seconds()
            write(format_progress(progress))

    return on_progress


def format_progress(progress: Progress) -> str:
    """One stage's progress as text.

    >>> format_progress(Progress(stage="train w3", done=2, total=6, note="loss 0.31"))
    'train w3: 2 of 6, loss 0.31'
    """
    fraction = f": {progress.done} of {progress.total}" if progress.total else ""
    return f"{progress.stage}{fraction}{', ' + progress.note if progress.note else ''}"
