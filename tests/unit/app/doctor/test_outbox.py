from __future__ import annotations

from typing import Any

from growlearn.app.doctor.finding import State
from growlearn.app.doctor.outbox import outbox
from growlearn.domain.stream import Message, MessageKind, Receipt


def test_where_nothing_waits_all_is_well(installation: Any) -> None:
    [finding] = installation.said(outbox)
    assert (finding.state, finding.found) == (State.OK, "MLflow has been told everything")


def test_what_nobody_has_tried_to_deliver_is_a_warning(installation: Any) -> None:
    installation.settle()
    [finding] = installation.said(outbox)
    assert finding.state is State.WARNING
    assert finding.found == (
        "1 message of stream 'a' for MLflow, undelivered since 2026-01-01 00:00:00 UTC; nobody has tried yet"
    )
    assert finding.cure == "run: growlearn up, or growlearn run a"


def test_what_is_being_delivered_is_well(installation: Any) -> None:
    installation.settle()
    installation.store.claim_outbox("a", "ada", installation.clock.now(), 60)
    [finding] = installation.said(outbox)
    assert (finding.state, finding.found.endswith("it is being told now")) == (State.OK, True)


def test_what_could_not_be_delivered_tells_since_when_and_why(installation: Any) -> None:
    for _ in range(3):
        installation.settle()
    installation.clock.advance(60)
    oldest = installation.store.pending_messages()[0]
    for _ in range(2):
        installation.store.undelivered(oldest.id, "ConnectionError: no\nroute", installation.clock.now())
    [finding] = installation.said(outbox)
    assert finding.state is State.WRONG
    assert finding.found == (
        "3 messages of stream 'a' for MLflow, undelivered since 2026-01-01 00:00:00 UTC; "
        "tried 2 times, last at 2026-01-01 00:01:00 UTC: ConnectionError: no route"
    )
    assert finding.cure == "mend what the reason names, then run: growlearn run a"


def test_a_store_that_is_gone_although_it_was_told_is_missed(installation: Any) -> None:
    installation.grow(messages=(Message(stream="a", kind=MessageKind.CYCLE),))
    [told] = installation.store.pending_messages()
    installation.store.delivered(told.id, Receipt(run_id="r", model_version="1"), installation.clock.now())
    lost, told_all = installation.said(outbox)
    assert (lost.state, told_all.state) == (State.WRONG, State.OK)
    assert lost.found == (
        f"versions of stream 'a' are registered in {installation.settings.home / 'mlflow.db'}, which is gone"
    )
    (installation.settings.home / "mlflow.db").touch()
    assert [each.state for each in installation.said(outbox)] == [State.OK]
