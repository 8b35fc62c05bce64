from __future__ import annotations

from typing import Any

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.windows import windows
from growlearn.domain.window import Claim

CLAIM = Claim(stream="a", window="w1", worker="ada", number=1)


def test_a_window_under_work_is_well(installation: Any) -> None:
    installation.arrive()
    [finding] = installation.findings(windows)
    assert (finding.state, finding.message) == (FindingState.OK, "1 window pending, none is stuck")


def test_a_window_whose_worker_died_is_told(installation: Any) -> None:
    installation.arrive()
    installation.clock.advance(61)
    [finding] = installation.findings(windows)
    assert finding.state is FindingState.WARNING
    assert finding.message == (
        "window w1 of stream 'a' (accepted) was left by worker 'ada', whose lease expired at "
        "2026-01-01 00:01:00 UTC"
    )
    assert finding.hint == "run: growlearn up, or growlearn run a"


def test_a_window_that_failed_is_told_with_the_reason(installation: Any) -> None:
    installation.arrive()
    for _ in range(2):
        installation.store.record_failure(CLAIM, "growing failed: out of memory", installation.clock.now())
    installation.store.release(CLAIM)
    [finding] = installation.findings(windows)
    assert finding.state is FindingState.WARNING
    assert finding.message == (
        "window w1 of stream 'a' (accepted) has failed 2 times, last reason: growing failed: out of memory"
    )
    assert str(finding.hint).startswith("fix what the reason names")
