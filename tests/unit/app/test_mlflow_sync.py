"""One process tells MLflow at a time, and what cannot be told waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.memory.clock import SystemClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.app import mlflow_sync
from growlearn.app.deliverer import Delivery
from growlearn.app.mlflow_sync import deliver_stream, sync_mlflow
from growlearn.app.outages import Outages
from growlearn.domain.errors import CorruptArtifact, DiskFull, LeaseLost, Unavailable
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Alias, Message, MessageKind
from growlearn.pipeline.lease import Lease
from growlearn.registry import outbox
from growlearn.settings import Settings, read_settings

JOB = Job(
    name="a",
    source=SourceConfig(url="/data"),
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
)
NEWS = Message(stream="a", kind=MessageKind.ALIASES)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.apply(JOB, datetime.now(UTC))
    store.change_aliases("a", (), None, NEWS)
    return store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(read_settings({}, tmp_path), lease_s=0.4)


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    def use(opened: object) -> None:
        monkeypatch.setattr(mlflow_sync, "open_tracker", lambda _: opened)

    use(MemoryTracker())
    return use


def test_what_is_pending_is_told_and_the_lease_given_up(
    store: MemoryStore, settings: Settings, tracker: object
) -> None:
    assert sync_mlflow(settings, store, "a", pytest.fail) == 0
    assert store.outbox.claim("a", "another", datetime.now(UTC), 60)


def deliver(settings: Settings, store: MemoryStore, said: list[str]) -> Delivery:
    """As a service does."""
    return deliver_stream(settings, store, "a", said.append, Outages(SystemClock(), said.append, said.append))


def test_what_another_process_delivers_a_service_leaves_to_it_and_says_nothing(
    store: MemoryStore, settings: Settings, tracker: object
) -> None:
    store.outbox.claim("a", "another", datetime.now(UTC), 60)
    said: list[str] = []
    assert deliver(settings, store, said) is Delivery.ELSEWHERE
    assert (said, store.outbox.pending("a")[0].attempts) == ([], 0)


def test_a_service_tells_each_delivery(store: MemoryStore, settings: Settings, tracker: object) -> None:
    said: list[str] = []
    assert deliver(settings, store, said) is Delivery.DONE
    assert said == ["a: aliases set in MLflow"]


def test_who_loses_the_outbox_sends_nothing_more(
    store: MemoryStore, settings: Settings, tracker: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was paused past its lease, and goes on."""
    answers = iter([True, False])
    monkeypatch.setattr(store.outbox, "claim", lambda *_: next(answers, False))
    monkeypatch.setattr(Lease, "require", lambda lease: None if lease.renew() else _lose())
    said: list[str] = []
    assert deliver(settings, store, said) is Delivery.ELSEWHERE
    assert (said, len(store.outbox.pending("a"))) == ([], 1)


def _lose() -> None:
    raise LeaseLost("taken over")


def test_a_patient_one_outwaits_a_process_that_died_telling(
    store: MemoryStore, settings: Settings, tracker: object
) -> None:
    store.outbox.claim("a", "dead", datetime.now(UTC), settings.lease_s)
    assert sync_mlflow(settings, store, "a", pytest.fail) == 0


def test_a_tracker_that_cannot_even_be_opened_costs_nothing(
    store: MemoryStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Settings) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(mlflow_sync, "open_tracker", away)
    said: list[str] = []
    assert sync_mlflow(settings, store, "a", said.append) == 1
    assert said[0].endswith("mlflow.db cannot be reached: no route")
    assert store.outbox.claim("a", "another", datetime.now(UTC), 60)


class Failing(MemoryTracker):
    """Fails to set aliases, with one error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    def set_aliases(self, *arguments: Any, **options: Any) -> None:
        if self.error is not None:
            raise self.error
        super().set_aliases(*arguments, **options)


@pytest.fixture
def registered(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aliases are sent only where a version is registered; here without one."""
    monkeypatch.setattr(outbox, "_alias_targets", lambda *_: {Alias.CHALLENGER: None})


@pytest.mark.usefixtures("registered")
def test_what_can_never_be_told_is_told_a_person_each_time_and_waits_no_more(
    store: MemoryStore, settings: Settings, tracker: Callable[[object], None]
) -> None:
    failing = Failing(CorruptArtifact("artifact b1 is missing", hint="bring that file back"))
    tracker(failing)
    for patient in (True, False, True):
        said: list[str] = []
        if patient:
            assert sync_mlflow(settings, store, "a", said.append) == 0
        else:
            assert deliver(settings, store, said) is Delivery.DONE
        assert said == [
            "MLflow cannot be told about the aliases of stream 'a', and no worker tries again: "
            "CorruptArtifact: artifact b1 is missing (bring that file back); "
            "once that is fixed, run: growlearn run a"
        ]
    failing.error = None
    assert sync_mlflow(settings, store, "a", pytest.fail) == 0
    assert store.outbox.undeliverable("a") == ()


@pytest.mark.usefixtures("registered")
def test_a_worker_does_not_try_again_what_can_never_be_told(
    store: MemoryStore, settings: Settings, tracker: Callable[[object], None]
) -> None:
    failing = Failing(CorruptArtifact("gone"))
    tracker(failing)
    deliver(settings, store, [])
    failing.error = None
    deliver(settings, store, [])
    assert len(store.outbox.undeliverable("a")) == 1


@pytest.mark.usefixtures("registered")
def test_what_a_server_that_is_down_was_to_be_told_waits(
    store: MemoryStore, settings: Settings, tracker: Callable[[object], None]
) -> None:
    tracker(Failing(Unavailable("no route")))
    said: list[str] = []
    assert sync_mlflow(settings, store, "a", said.append) == 1
    assert said == ["1 messages wait for MLflow; they are kept and sent again with the next run"]
    assert store.outbox.undeliverable("a") == ()


@pytest.mark.usefixtures("registered")
def test_a_service_tells_an_outage_once_and_that_it_is_over(
    store: MemoryStore, settings: Settings, tracker: Callable[[object], None]
) -> None:
    failing = Failing(Unavailable("no route"))
    tracker(failing)
    said: list[str] = []
    outages = Outages(SystemClock(), said.append, said.append)
    for _ in range(3):
        assert deliver_stream(settings, store, "a", said.append, outages) is Delivery.FAILED
    assert said == ["MLflow: Unavailable: no route; tried again until it is back"]
    failing.error = None
    assert deliver_stream(settings, store, "a", said.append, outages) is Delivery.DONE
    assert said[1:] == ["a: aliases set in MLflow", "MLflow is back after 0 s"]


@pytest.mark.usefixtures("registered")
def test_where_the_database_is_full_too_its_error_is_the_one_sentence(
    store: MemoryStore,
    settings: Settings,
    tracker: Callable[[object], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing can be recorded about MLflow then, and MLflow is not blamed for it."""

    def is_full(*_: object) -> None:
        raise DiskFull("growlearn.db")

    tracker(Failing(DiskFull("MLflow")))
    monkeypatch.setattr(store.outbox, "record_failure", is_full)
    with pytest.raises(DiskFull, match=r"^the disk is full: growlearn\.db"):
        sync_mlflow(settings, store, "a", pytest.fail)
    assert caplog.text == ""
    assert store.outbox.claim("a", "another", datetime.now(UTC), 60)
