"""Alerts on their way to a real HTTP server that fails, is slow, and comes back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.webhook.body import write_json
from growlearn.adapters.webhook.send import post
from growlearn.app.alert_sender import AlertSender, report_silent_streams, report_stream_failure
from growlearn.app.outages import Outages
from growlearn.domain.alert import Alert, AlertKind, FoldedAlert
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ports import AlertQueue
from tests.unit.adapters.webhook.receiver import Receiver, run_receiver

MINUTE = timedelta(minutes=1)


class Station:
    """Two streams, their alerts, and the process that sends them."""

    def __init__(self, receiver: Receiver) -> None:
        self.clock, self.store, self.receiver = ManualClock(), MemoryStore(), receiver
        self.timeout_s = 10.0
        self.lines: list[str] = []
        for name in "ab":
            schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
            job = Job(name=name, source=SourceConfig(url="/in"), schema=schema, silent_after="2d")
            self.store.apply(job, self.clock.now())
        self.sender = self.make_sender()

    def make_sender(self, queue: AlertQueue | None = None) -> AlertSender:
        return AlertSender(
            self.store,
            queue or self.store.alerts,
            self.clock,
            self.send,
            Outages(self.clock, self.lines.append, self.lines.append),
            kinds=[AlertKind.DRIFT, AlertKind.FAILURE, AlertKind.SILENCE],
            poll_s=0.01,
        )

    def send(self, folded: FoldedAlert) -> None:
        post(self.receiver.url, write_json(folded), "secret", self.clock.now(), self.timeout_s)

    def happen(self, stream: str, kind: AlertKind = AlertKind.DRIFT, text: str = "moved") -> None:
        self.store.alerts.record([Alert(stream=stream, kind=kind, at=self.clock.now(), text=text)])

    def look(self, wait_s: float = 0) -> list[tuple[str, str, int]]:
        """What is received after so many seconds: stream, kind, count."""
        self.clock.advance(wait_s)
        before = len(self.receiver.received)
        self.sender.send_due(threading.Event())
        bodies = [json.loads(body) for _, _, body in self.receiver.received[before:]]
        return [(body["stream"], body["kind"], body["count"]) for body in bodies]


@pytest.fixture
def station() -> Iterator[Station]:
    with run_receiver() as receiver:
        yield Station(receiver)


def test_an_alert_is_sent_once(station: Station) -> None:
    station.happen("a")
    station.happen("b", AlertKind.FAILURE)
    assert [station.look(), station.look(3600), station.look(3600)] == [
        [("a", "drift", 1), ("b", "failure", 1)],
        [],
        [],
    ]
    assert station.lines == []


def test_alerts_of_one_kind_are_folded_and_wait_an_hour_after_the_last(station: Station) -> None:
    for _ in range(3):
        station.happen("a")
    assert station.look() == [("a", "drift", 3)]
    for _ in range(2):
        station.happen("a")
    station.happen("a", AlertKind.FAILURE)
    assert station.look(60) == [("a", "failure", 1)]
    assert [station.look(3539), station.look(1)] == [[], [("a", "drift", 2)]]


def test_kinds_that_nobody_wants_are_not_sent(station: Station) -> None:
    station.happen("a", AlertKind.PROMOTION)
    assert station.look() == []


def test_a_receiver_that_fails_is_tried_later_and_later_until_it_is_back(station: Station) -> None:
    station.happen("a")
    station.receiver.status = 503
    tries = [len(station.look(wait_s)) for wait_s in (0, 4, 1, 9, 1, 19, 1)]
    assert tries == [1, 0, 1, 0, 1, 0, 1]
    station.receiver.status = 204
    assert [station.look(39), station.look(1), station.look(3600)] == [[], [("a", "drift", 1)], []]
    first, last = station.lines
    assert "answered 503" in first
    assert last == "the webhook is back after 75 s"


def test_an_alert_that_is_refused_does_not_hold_up_the_others(station: Station) -> None:
    station.happen("a")
    station.happen("b")
    station.receiver.status = 400
    assert [station.look(wait_s)[0][0] for wait_s in (0, 5, 10)] == ["a", "b", "a"]
    station.receiver.status = 200
    assert station.look(20) == [("b", "drift", 1), ("a", "drift", 1)]


def test_a_slow_receiver_is_left_alone_after_a_while(station: Station) -> None:
    station.happen("a")
    station.receiver.delay_s, station.timeout_s = 60.0, 0.1
    station.look()
    assert "timed out" in station.lines[0]
    station.receiver.delay_s, station.timeout_s = 0.0, 10.0
    assert station.look(5) == [("a", "drift", 1)]


def test_what_a_receiver_missed_for_a_day_is_given_up(station: Station) -> None:
    station.happen("a")
    assert station.look(24 * 3600 + 1) == []


def test_two_processes_send_an_alert_once(station: Station) -> None:
    station.happen("a")
    senders = [station.make_sender() for _ in range(4)]
    threads = [threading.Thread(target=sender.send_due, args=(threading.Event(),)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(station.receiver.received) == 1


def test_what_a_process_that_died_had_claimed_is_sent_by_another(station: Station) -> None:
    station.happen("a")
    (pending,) = station.store.alerts.pending(station.clock.now())
    station.store.alerts.claim([pending.id], station.clock.now(), 60)
    assert [station.look(59), station.look(1)] == [[], [("a", "drift", 1)]]


def test_a_database_that_is_away_ends_nothing(station: Station) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            raise GrowLearnError("no route to the database")

    station.make_sender(Away()).send_due(threading.Event())  # type: ignore[arg-type]
    assert station.lines == ["the database: no route to the database; tried again until it is back"]


def test_the_thread_sends_what_happens_while_it_runs_and_ends(station: Station) -> None:
    stop = threading.Event()
    join = station.sender.start(stop)
    station.happen("a")
    deadline = time.monotonic() + 30
    while not station.receiver.received and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    join()
    assert len(station.receiver.received) == 1


def test_a_silent_stream_is_reported_once_and_again_after_a_week(station: Station) -> None:
    def reports(at: datetime) -> int:
        report_silent_streams(station.store, station.store.alerts, at)
        return len(station.store.alerts.pending(begun))

    begun = station.clock.now()
    days = (0, 1.99, 2, 2.1, 8.9, 9.1, 9.2)
    assert [reports(begun + timedelta(days=day)) for day in days] == [0, 0, 2, 2, 2, 4, 4]
    text = station.store.alerts.pending(begun)[0].alert.text
    assert text == f"no new file since {begun:%Y-%m-%d %H:%M} UTC; the job expects one every 2d"


def test_a_stream_that_cannot_be_handled_is_told_unless_its_window_has_told_it(station: Station) -> None:
    begun = station.clock.now()
    report_stream_failure(station.store.alerts, "a", OSError("no /in"), begun, begun + MINUTE)
    report_stream_failure(station.store.alerts, "a", OSError("no /in"), begun, begun + 2 * MINUTE)
    report_stream_failure(station.store.alerts, "a", OSError("gone"), begun + 2 * MINUTE, begun + 3 * MINUTE)
    assert [item.alert.text for item in station.store.alerts.pending(begun)] == ["no /in", "gone"]
