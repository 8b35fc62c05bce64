from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from growlearn.adapters.db.alerts import DbAlertQueue
from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.webhook import webhook
from growlearn.domain.alert import Alert, AlertKind


@pytest.fixture
def reporting(installation: Any) -> Any:
    """An installation with a webhook and an alert that waits for it."""
    installation.settings = replace(
        installation.settings, webhook_url="https://hooks.example/path", webhook_secret="s"
    )
    alert = Alert(stream="a", kind=AlertKind.DRIFT, at=installation.clock.now(), text="moved")
    queue_of(installation).add(alert, alert.at)
    return installation


def queue_of(installation: Any) -> DbAlertQueue:
    return DbAlertQueue(installation.store._engine)


def test_an_installation_without_a_webhook_is_well(installation: Any) -> None:
    [finding] = installation.findings(webhook)
    assert finding.state is FindingState.OK
    assert finding.message.startswith("none: ")


def test_alerts_that_are_sent_or_to_be_sent_are_well(reporting: Any) -> None:
    [finding] = reporting.findings(webhook)
    assert (finding.state, finding.message) == (FindingState.OK, "https://hooks.example: 1 alert to come")
    queue = queue_of(reporting)
    now = reporting.clock.now()
    queue.record_sent([item.id for item in queue.pending(now)], now)
    [finding] = reporting.findings(webhook)
    assert finding.message == "https://hooks.example: all alerts were sent"


def test_alerts_that_are_not_taken_tell_since_when_and_why(reporting: Any) -> None:
    queue, begun = queue_of(reporting), reporting.clock.now()
    ids = [item.id for item in queue.pending(begun)]
    for minutes in (1, 2):
        queue.record_failure(ids, "https://hooks.example answered 404", begun + timedelta(minutes=minutes))
    [finding] = reporting.findings(webhook)
    assert finding.state is FindingState.ERROR
    assert finding.message == (
        "1 alert unsent since 2026-01-01 00:00:00 UTC; tried 2 times, "
        "last at 2026-01-01 00:02:00 UTC: https://hooks.example answered 404"
    )
    reporting.clock.advance(24 * 3600 + 1)
    [finding] = reporting.findings(webhook)
    assert finding.state is FindingState.OK


def test_a_webhook_without_a_secret_is_a_warning_unless_slack_reads_it(reporting: Any) -> None:
    reporting.settings = replace(reporting.settings, webhook_secret="")
    assert [finding.state for finding in reporting.findings(webhook)] == [
        FindingState.WARNING,
        FindingState.OK,
    ]
    reporting.settings = replace(reporting.settings, webhook_format="slack")
    assert [finding.state for finding in reporting.findings(webhook)] == [FindingState.OK]
