from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.schedules import schedules
from growlearn.domain.job import Schedule

Zone = Callable[[str], None]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    """Set the zone of this process."""

    def move_to(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move_to
    monkeypatch.undo()
    time.tzset()


def schedule(installation: Any, schedule: Schedule) -> None:
    job = replace(installation.store.stream("a").job, schedule=schedule)
    installation.store.apply(job, installation.clock.now())


def test_a_crontab_is_told_in_words_in_utc_and_in_the_zone_here(installation: Any, zone: Zone) -> None:
    zone("CET-1CEST,M3.5.0,M10.5.0/3")
    schedule(installation, Schedule(cron="0 23 * * 0"))
    [finding] = installation.findings(schedules)
    assert finding.state is FindingState.OK
    assert finding.message == (
        "stream 'a', cron '0 23 * * 0' in UTC, next on "
        "Sunday 2026-01-04 23:00:00 UTC (Monday 2026-01-05 00:00:00 CET local time); "
        "Sunday 2026-01-11 23:00:00 UTC (Monday 2026-01-12 00:00:00 CET local time); "
        "Sunday 2026-01-18 23:00:00 UTC (Monday 2026-01-19 00:00:00 CET local time)"
    )


def test_where_the_zone_is_utc_a_time_is_told_once(installation: Any, zone: Zone) -> None:
    zone("UTC")
    [finding] = installation.findings(schedules)
    assert finding.message == (
        "stream 'a', every 5m, next on Thursday 2026-01-01 00:05:00 UTC; Thursday 2026-01-01 00:10:00 UTC; "
        "Thursday 2026-01-01 00:15:00 UTC; the local time zone is UTC"
    )


def test_a_day_that_never_comes_is_wrong(installation: Any) -> None:
    schedule(installation, Schedule(cron="0 0 31 2 *"))
    [finding] = installation.findings(schedules)
    assert (finding.state, "never comes due" in finding.message) == (FindingState.ERROR, True)
    assert finding.hint == "check its day and month fields, then run: growlearn apply JOB.yaml"


def test_where_there_is_no_stream_the_way_to_one_is_told(installation: Any) -> None:
    installation.store.delete("a")
    [finding] = installation.findings(schedules)
    assert (finding.state, finding.message) == (FindingState.WARNING, "there are no streams yet")
