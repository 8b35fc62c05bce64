from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from growlearn.app.signals import Interrupted, exit_on_sigterm, interruptible, stop_on_signals
from growlearn.domain.growth import Progress

STEP = Progress(stage="training", done=1, total=2)


def test_work_goes_on_until_stop_is_set_and_is_left_at_the_next_report() -> None:
    stop = threading.Event()
    seen: list[Progress] = []
    report = interruptible(stop, seen.append)
    report(STEP)
    stop.set()
    with pytest.raises(Interrupted):
        report(STEP)
    assert seen == [STEP]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_sets_the_event_and_the_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    assert signal.getsignal(number) is before


def test_what_a_command_has_begun_is_removed_where_it_is_asked_to_end(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, exit_on_sigterm(), TemporaryDirectory(dir=tmp_path):
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 1
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before
