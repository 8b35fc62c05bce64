from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn.adapters.db.alerts import DbAlertQueue
from growlearn.adapters.db.store import DbStore
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.alert import Alert, AlertKind
from growlearn.domain.drift import DriftReport
from growlearn.domain.errors import ConcurrentUpdate, LeaseLost
from growlearn.domain.job import Job
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind
from growlearn.domain.window import Claim, Verdict, WindowState
from growlearn.ports import AlertQueue, Store
from tests.contract.store.conftest import MakeIngest, MakeTransition
from tests.contract.store.examples import AT

HOUR = timedelta(hours=1)


@pytest.fixture
def alerts(store: Store) -> Iterator[AlertQueue]:
    """The queue of the same implementation."""
    if isinstance(store, MemoryStore):
        yield store.alerts
    else:
        assert isinstance(store, DbStore)
        yield DbAlertQueue(store._engine)


def told(alerts: AlertQueue) -> list[tuple[AlertKind, str | None, int | None]]:
    return [(item.alert.kind, item.alert.window, item.alert.version) for item in alerts.pending(AT)]


def make_alert(at: datetime = AT, kind: AlertKind = AlertKind.SILENCE) -> Alert:
    return Alert(stream="digits", kind=kind, at=at, text="no new file")


def test_a_window_that_drifts_is_told_with_its_move_and_a_stable_one_is_not(
    store: Store,
    alerts: AlertQueue,
    job: Job,
    make_ingest: MakeIngest,
    make_transition: MakeTransition,
    report: DriftReport,
) -> None:
    store.apply(job, AT)
    for number, verdict in ((1, Verdict.STABLE), (2, Verdict.DRIFT)):
        store.record_ingest(make_ingest(number))
        store.claim("digits", "ada", AT, 60)
        move = make_transition(window=f"w{number}", verdict=verdict, reason="output 7 moved", report=report)
        store.advance(move)
        with pytest.raises(ConcurrentUpdate):  # nothing is told of what is not written
            store.advance(move)
        store.advance(make_transition(WindowState.JUDGED, window=f"w{number}", target=WindowState.SKIPPED))

    assert told(alerts) == [(AlertKind.DRIFT, "w2", None)]
    assert alerts.pending(AT)[0].alert.text == "drift: output 7 moved"


def test_a_new_champion_is_told_by_the_move_and_by_the_person_that_makes_it(
    store: Store, alerts: AlertQueue, promote_in: Callable[..., Version]
) -> None:
    promote_in(store)
    change = AliasChange(
        stream="digits", alias=Alias.CHAMPION, before=None, after=1, actor="ada", reason="all gates", at=AT
    )
    message = Message(stream="digits", kind=MessageKind.ALIASES)
    store.change_aliases("digits", [change], None, message)
    with pytest.raises(ConcurrentUpdate):
        store.change_aliases("digits", [change], None, message)
    store.change_aliases("digits", [replace(change, before=1)], None, message)  # the same champion

    assert told(alerts) == [(AlertKind.PROMOTION, None, 1)]
    assert alerts.pending(AT)[0].alert.text == "version 1 is champion, by ada: all gates"


@pytest.mark.parametrize(
    ("target", "kind"),
    [(WindowState.REJECTED, AlertKind.REJECTION), (WindowState.PENDING_APPROVAL, AlertKind.APPROVAL)],
)
def test_a_candidate_that_is_not_promoted_is_told(
    target: WindowState,
    kind: AlertKind,
    store: Store,
    alerts: AlertQueue,
    job: Job,
    make_ingest: MakeIngest,
    make_transition: MakeTransition,
) -> None:
    store.apply(job, AT)
    store.record_ingest(make_ingest())
    store.claim("digits", "ada", AT, 60)
    for source in (WindowState.ACCEPTED, WindowState.JUDGED, WindowState.GROWING):
        store.advance(make_transition(source))
    store.advance(make_transition(WindowState.EVALUATED, target=target, reason="gained 0.1"))

    assert told(alerts) == [(kind, "w1", None)]
    assert alerts.pending(AT)[0].alert.text == "gained 0.1"


def test_a_training_that_failed_and_a_file_in_quarantine_are_told(
    store: Store, alerts: AlertQueue, job: Job, make_ingest: MakeIngest
) -> None:
    store.apply(job, AT)
    store.record_ingest(make_ingest())
    bad = make_ingest(2, state=WindowState.QUARANTINED, reason="no table")
    assert [store.record_ingest(bad), store.record_ingest(bad)] == [True, False]
    store.claim("digits", "ada", AT, 60)
    claim = Claim(stream="digits", window="w1", worker="ada", number=1)
    store.record_failure(claim, "growing failed: postgresql://ann:pass@db", AT)
    with pytest.raises(LeaseLost):
        store.record_failure(replace(claim, number=7), "growing failed", AT)

    assert told(alerts) == [(AlertKind.FAILURE, "w2", None), (AlertKind.FAILURE, "w1", None)]
    assert [item.alert.text for item in alerts.pending(AT)] == [
        "/data/2.parquet was quarantined: no table",
        "growing failed: postgresql://ann:***@db",
    ]


def test_an_alert_is_sent_by_the_one_that_claims_it_and_then_no_more(
    store: Store, alerts: AlertQueue, job: Job
) -> None:
    store.apply(job, AT)
    for _ in range(2):
        assert alerts.add(make_alert(), AT + HOUR)
    first, second = (item.id for item in alerts.pending(AT))

    assert alerts.claim([first], AT, 60)
    assert not alerts.claim([first, second], AT, 60)
    assert alerts.claim([second], AT, 60)  # the claim that failed took nothing
    assert alerts.claim([first, second], AT + HOUR, 60)  # whoever claimed them has died
    assert [item.claimed_until for item in alerts.pending(AT)] == [AT + HOUR + timedelta(seconds=60)] * 2

    alerts.record_sent([first], AT + HOUR)
    assert not alerts.claim([first, second], AT + 2 * HOUR, 60)
    assert not alerts.claim([second, second + 100], AT + 2 * HOUR, 60)
    (left,) = alerts.pending(AT)
    assert (left.id, left.last_sent_at) == (second, AT + HOUR)


def test_a_failed_attempt_frees_the_alert_and_is_remembered(
    store: Store, alerts: AlertQueue, job: Job
) -> None:
    store.apply(job, AT)
    alerts.add(make_alert(), AT)
    (item,) = alerts.pending(AT)
    alerts.claim([item.id], AT, 60)
    alerts.record_failure([item.id], "no route", AT + HOUR)

    assert alerts.pending(AT) == (replace(item, attempted_at=AT + HOUR),)
    assert alerts.pending(AT + timedelta(seconds=1)) == ()  # too old


def test_of_many_that_claim_the_same_alerts_one_gets_them(store: Store, alerts: AlertQueue, job: Job) -> None:
    store.apply(job, AT)
    for _ in range(3):
        alerts.add(make_alert(), AT + HOUR)
    ids = [item.id for item in alerts.pending(AT)]
    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(lambda _: alerts.claim(ids, AT, 60), range(8)))
    assert sorted(claimed) == [False] * 7 + [True]


def test_an_alert_that_is_there_already_is_not_added_again(
    store: Store, alerts: AlertQueue, job: Job
) -> None:
    store.apply(job, AT)
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: alerts.add(make_alert(), AT), range(8)))
    assert sorted(added) == [False] * 7 + [True]
    assert alerts.add(make_alert(kind=AlertKind.FAILURE), AT)
    assert not alerts.add(make_alert(AT + HOUR), AT)
    assert alerts.add(make_alert(AT + HOUR), AT + timedelta(seconds=1))


def test_alerts_go_with_their_stream_and_when_they_are_old(
    store: Store, alerts: AlertQueue, job: Job
) -> None:
    store.apply(job, AT)
    alerts.add(make_alert(), AT)
    alerts.add(make_alert(AT + HOUR), AT + HOUR)
    alerts.prune(AT + HOUR)
    assert [item.alert.at for item in alerts.pending(AT)] == [AT + HOUR]
    store.delete("digits")
    assert alerts.pending(AT) == ()
    assert not alerts.add(make_alert(), AT)


def test_a_stream_that_expects_files_is_listed_with_its_last_one(
    store: Store, job: Job, make_ingest: MakeIngest
) -> None:
    store.apply(job, AT)
    assert store.stream_arrivals() == ()
    store.apply(replace(job, silent_after="1h"), AT)
    (arrival,) = store.stream_arrivals()
    assert (arrival.name, arrival.last_at, arrival.silent_after) == ("digits", AT, "1h")
    store.record_ingest(replace(make_ingest(), at=AT + HOUR))
    (arrival,) = store.stream_arrivals()
    assert arrival.last_at == AT + HOUR
    assert [arrival.is_silent(AT + timedelta(minutes=minutes)) for minutes in (119, 120)] == [False, True]
    store.set_paused("digits", True, AT, "ada")
    assert store.stream_arrivals() == ()
