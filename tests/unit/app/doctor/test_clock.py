from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.doctor.clock import clock
from growlearn.app.doctor.context import CheckContext, open_store_context
from growlearn.app.doctor.finding import Finding, FindingState
from growlearn.settings import Settings


def test_a_clock_later_than_all_records_is_right(installation: Any) -> None:
    installation.clock.advance(1)
    [finding] = installation.findings(clock)
    assert (finding.state, finding.message) == (
        FindingState.OK,
        "it is Thursday 2026-01-01 00:00:01 UTC, later than all records",
    )


def test_a_record_from_the_future_is_told_with_its_place(installation: Any) -> None:
    installation.store.claim_ticks({"a": installation.clock.now() + timedelta(days=1)})
    [finding] = installation.findings(clock)
    assert finding.state is FindingState.ERROR
    assert finding.message.startswith(
        "growlearn_ticks.due_at holds 2026-01-02 00:00:00 UTC, but it is only 2026-01-01"
    )
    assert "timedatectl" in str(finding.hint)


def test_a_lease_that_runs_is_no_record_from_the_future(installation: Any) -> None:
    installation.arrive()
    assert [finding.state for finding in installation.findings(clock)] == [FindingState.OK]


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=1))])
def test_a_clock_that_is_not_aware_utc_is_told(zone: timezone | None, installation: Any) -> None:
    class Odd:
        def now(self) -> datetime:
            return datetime(2026, 1, 1, tzinfo=zone)

    installation.clock = Odd()
    [finding] = installation.findings(clock)
    assert (finding.state, "is not aware UTC" in finding.message) == (FindingState.ERROR, True)


@pytest.fixture
def on_server(settings: Settings, empty_postgres_url: str) -> Any:
    """The findings with a server when our clock is off by a number of seconds."""
    upgrade_database(empty_postgres_url)
    settings = replace(settings, database_url=empty_postgres_url, lease_s=20)

    def findings(seconds: float) -> list[Finding]:
        ours = ManualClock(datetime.now(UTC) + timedelta(seconds=seconds))
        with open_store_context(CheckContext(settings=settings, clock=ours)) as store_context:
            assert store_context is not None
            return list(clock(store_context))

    return findings


def test_a_server_whose_clock_is_apart_is_told_the_louder_the_more(on_server: Any) -> None:
    assert [finding.state for finding in on_server(0)] == [FindingState.OK]
    [little] = on_server(7)
    [much] = on_server(-3600)
    assert little.state is FindingState.WARNING
    assert "this clock and the database server's are 7." in little.message or "are 6." in little.message
    assert much.state is FindingState.ERROR
    assert "a lease lasts 20 s" in much.message
