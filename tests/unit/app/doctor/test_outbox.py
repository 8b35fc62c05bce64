from __future__ import annotations

from typing import Any

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.outbox import outbox
from growlearn.domain.stream import Message, MessageKind, TrackerIds


def test_where_nothing_waits_all_is_well(installation: Any) -> None:
    [finding] = installation.findings(outbox)
    assert (finding.state, finding.message) == (FindingState.OK, "all messages to MLflow were delivered")


def test_what_nobody_has_tried_to_deliver_is_a_warning(installation: Any) -> None:
    installation.skip()
    [finding] = installation.findings(outbox)
    assert finding.state is FindingState.WARNING
    assert finding.message == (
        "1 message of stream 'a' for MLflow, undelivered since 2026-01-01 00:00:00 UTC; not tried yet"
    )
    assert finding.hint == "run: growlearn up, or growlearn run a"


def test_what_is_being_delivered_is_well(installation: Any) -> None:
    installation.skip()
    installation.store.outbox.claim("a", "ada", installation.clock.now(), 60)
    [finding] = installation.findings(outbox)
    assert (finding.state, finding.message.endswith("delivery is in progress")) == (FindingState.OK, True)


def test_what_could_not_be_delivered_tells_since_when_and_why(installation: Any) -> None:
    for _ in range(3):
        installation.skip()
    installation.clock.advance(60)
    oldest = installation.store.outbox.pending()[0]
    for _ in range(2):
        installation.store.outbox.record_failure(
            oldest.id, "ConnectionError: no\nroute", installation.clock.now()
        )
    [finding] = installation.findings(outbox)
    assert finding.state is FindingState.ERROR
    assert finding.message == (
        "3 messages of stream 'a' for MLflow, undelivered since 2026-01-01 00:00:00 UTC; "
        "tried 2 times, last at 2026-01-01 00:01:00 UTC: ConnectionError: no route"
    )
    assert finding.hint == "fix what the reason names, then run: growlearn run a"


def test_a_store_that_is_gone_although_it_was_told_is_missed(installation: Any) -> None:
    installation.grow(messages=(Message(stream="a", kind=MessageKind.CYCLE),))
    [message] = installation.store.outbox.pending()
    installation.store.outbox.record_delivery(
        message.id, TrackerIds(run_id="r", model_version="1"), installation.clock.now()
    )
    lost, delivered = installation.findings(outbox)
    assert (lost.state, delivered.state) == (FindingState.ERROR, FindingState.OK)
    file = installation.settings.home / "mlflow.db"
    assert lost.message == f"versions of stream 'a' are registered in {file}, which is missing"
    file.touch()
    assert [finding.state for finding in installation.findings(outbox)] == [FindingState.OK]


def test_what_can_never_be_delivered_is_an_error_with_its_reason(installation: Any) -> None:
    window = installation.skip()
    [pending] = installation.store.outbox.pending()
    installation.store.outbox.record_undeliverable(
        pending.id, "Undeliverable: too large", installation.clock.now()
    )
    [finding] = installation.findings(outbox)
    assert finding.state is FindingState.ERROR
    assert finding.message == (
        f"MLflow cannot be told about window {window.id} of stream 'a': Undeliverable: too large"
    )
    assert finding.hint == "no worker tries again; fix what the reason names, then run: growlearn run a"
