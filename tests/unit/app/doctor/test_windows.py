from __future__ import annotations

from typing import Any

from growlearn.app.doctor.finding import State
from growlearn.app.doctor.windows import windows


def test_a_window_under_work_is_well(installation: Any) -> None:
    installation.arrive()
    [finding] = installation.said(windows)
    assert (finding.state, finding.found) == (State.OK, "1 window to be handled, none is stuck")


def test_a_window_whose_worker_died_is_told(installation: Any) -> None:
    installation.arrive()
    installation.clock.advance(61)
    [finding] = installation.said(windows)
    assert finding.state is State.WARNING
    assert finding.found == (
        "window w1 of stream 'a' (accepted) was left by worker 'ada', whose lease ran out at "
        "2026-01-01 00:01:00 UTC"
    )
    assert finding.cure == "run: growlearn up, or growlearn run a"


def test_a_window_that_failed_is_told_with_the_reason(installation: Any) -> None:
    installation.arrive()
    for _ in range(2):
        installation.store.failed("a", "w1", "ada", "growing failed: out of memory", installation.clock.now())
    installation.store.release("a", "w1", "ada")
    [finding] = installation.said(windows)
    assert finding.state is State.WARNING
    assert finding.found == (
        "window w1 of stream 'a' (accepted) has failed 2 times, last for: growing failed: out of memory"
    )
    assert str(finding.cure).startswith("mend what the reason names")
