from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.local_process import check_local_process
from growlearn.domain.process import ProcessKind, ProcessRecord


def beat(installation: Any, kind: ProcessKind, host: str = socket.gethostname()) -> None:
    now = installation.clock.now()
    process = ProcessRecord(
        id=f"{kind}-{host}", kind=kind, host=host, pid=7, version="0.1", started_at=now, heartbeat_at=now
    )
    installation.store.record_heartbeat(process)


def check(installation: Any, kind: ProcessKind = ProcessKind.WORKER) -> tuple[FindingState, str]:
    finding = check_local_process(installation.settings, installation.clock, kind)
    return finding.state, finding.message.replace(socket.gethostname(), "here")


def test_a_process_is_well_while_it_writes_heartbeats(installation: Any) -> None:
    assert check(installation) == (FindingState.ERROR, "no worker runs on here")
    beat(installation, ProcessKind.WORKER)
    installation.clock.advance(29)
    assert check(installation) == (FindingState.OK, "worker on here: heartbeat 29 s ago")
    installation.clock.advance(1)
    assert check(installation) == (
        FindingState.ERROR,
        "worker on here is silent since 2026-01-01 00:00:00 UTC",
    )


@pytest.mark.parametrize(
    ("kind", "host", "state"),
    [
        (ProcessKind.UP, socket.gethostname(), FindingState.OK),
        (ProcessKind.SCHEDULER, socket.gethostname(), FindingState.ERROR),
        (ProcessKind.WORKER, "elsewhere", FindingState.ERROR),
    ],
)
def test_another_process_is_not_taken_for_it(
    installation: Any, kind: ProcessKind, host: str, state: FindingState
) -> None:
    beat(installation, kind, host)
    assert check(installation)[0] is state


def test_a_database_that_cannot_be_read_is_not_well(installation: Any, tmp_path: Path) -> None:
    installation.settings = replace(installation.settings, database_url=f"sqlite:///{tmp_path / 'none.db'}")
    assert check(installation) == (FindingState.ERROR, "the database cannot be read")


def test_the_api_of_an_up_that_goes_on_without_it_is_not_well(installation: Any) -> None:
    beat(installation, ProcessKind.API)
    installation.clock.advance(31)
    beat(installation, ProcessKind.UP)
    state, message = check(installation, ProcessKind.API)
    assert (state, message.startswith("api on here is silent since")) == (FindingState.ERROR, True)
