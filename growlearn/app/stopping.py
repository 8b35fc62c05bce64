"""Two signals: the first asks the work to stop where nothing is lost, the second ends it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from growlearn.app.cli.output import FAILED, warn
from growlearn.domain.growth import Progress
from growlearn.ports import Report


class Stopped(Exception):
    """The work was asked to stop; what was under way is taken up again next time."""


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second ends this process at once.

    A training process ends by itself when its parent is gone.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(FAILED)
        stop.set()
        warn("stopping; a window under way is taken up again next time (once more to end at once)")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def until(stop: threading.Event, report: Report) -> Report:
    """A report that raises Stopped once `stop` is set: progress is where work can be left."""

    def passing(progress: Progress) -> None:
        if stop.is_set():
            raise Stopped
        report(progress)

    return passing
