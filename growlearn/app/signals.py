"""Handles SIGINT and SIGTERM: the first stops the work where nothing is lost, the second exits at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from growlearn.app.cli.output import FAILED, echo_error
from growlearn.domain.growth import Progress
from growlearn.ports import ProgressCallback


class Interrupted(BaseException):
    """The work was asked to stop; unfinished work is resumed by the next run.

    No Exception, so that nothing that handles failures takes it for one.
    """


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second ends this process at once.

    A training process ends by itself when its parent is gone.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(FAILED)
        stop.set()
        text = "stopping; an unfinished window is resumed next time (signal again to exit at once)"
        echo_error(text, "info")

    previous_handlers = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """End as at an error where SIGTERM comes, so that what was half written is removed."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(FAILED)

    previous = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def interruptible(stop: threading.Event, on_progress: ProgressCallback) -> ProgressCallback:
    """A callback that raises Interrupted once `stop` is set: work can stop wherever it reports progress."""

    def check_and_forward(progress: Progress) -> None:
        if stop.is_set():
            raise Interrupted
        on_progress(progress)

    return check_and_forward
