from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.processes import processes
from growlearn.domain.process import ProcessKind, ProcessRecord


def start(installation: Any, *kinds: ProcessKind) -> None:
    now = installation.clock.now()
    for kind in kinds:
        installation.store.record_heartbeat(
            ProcessRecord(
                id=kind, kind=kind, host="alpha", pid=7, version="0.1", started_at=now, heartbeat_at=now
            )
        )


def states(installation: Any) -> list[tuple[FindingState, str]]:
    return [(finding.state, finding.message) for finding in installation.findings(processes)]


def test_who_runs_everything_by_hand_needs_no_process(installation: Any) -> None:
    installation.arrive()
    assert states(installation) == [
        (FindingState.OK, "no scheduler or worker was ever started: growlearn run does their work")
    ]


@pytest.mark.parametrize("kinds", [(ProcessKind.UP,), (ProcessKind.SCHEDULER, ProcessKind.WORKER)])
def test_processes_that_run_are_well(installation: Any, kinds: tuple[ProcessKind, ...]) -> None:
    start(installation, *kinds)
    assert {state for state, _ in states(installation)} == {FindingState.OK}
    assert "on alpha, pid 7, growlearn 0.1, runs since 2026-01-01 00:00:00 UTC" in states(installation)[0][1]


def test_a_service_without_scheduler_and_worker_is_an_error_with_what_waits(installation: Any) -> None:
    installation.arrive()
    installation.store.claim_ticks({"a": installation.clock.now()})
    installation.clock.advance(6 * 300)
    assert states(installation) == [
        (FindingState.ERROR, "no scheduler runs: nobody looks for new files; 6 ticks missed"),
        (FindingState.ERROR, "no worker runs; 1 window pending"),
    ]


def test_a_process_that_was_killed_is_told(installation: Any) -> None:
    start(installation, ProcessKind.UP)
    installation.clock.advance(timedelta(minutes=1).total_seconds())
    findings = installation.findings(processes)
    assert [finding.state for finding in findings] == [
        FindingState.WARNING, FindingState.ERROR, FindingState.ERROR
    ]  # fmt: skip
    assert "was last seen at 2026-01-01 00:00:00 UTC" in findings[0].message
