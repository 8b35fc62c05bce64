"""One process tells MLflow at a time, and what cannot be told waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.app import mlflow_sync
from growlearn.app.mlflow_sync import sync_mlflow
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Message, MessageKind
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
    assert store.claim_outbox("a", "another", datetime.now(UTC), 60)


def test_while_another_process_tells_an_impatient_one_leaves_it_to_that_one(
    store: MemoryStore, settings: Settings, tracker: object
) -> None:
    store.claim_outbox("a", "another", datetime.now(UTC), 60)
    said: list[str] = []
    assert sync_mlflow(settings, store, "a", said.append, wait=False) == 1
    assert said == ["1 messages wait for MLflow; they are kept and sent again with the next run"]
    assert store.pending_messages("a")[0].attempts == 0


def test_a_patient_one_outwaits_a_process_that_died_telling(
    store: MemoryStore, settings: Settings, tracker: object
) -> None:
    store.claim_outbox("a", "dead", datetime.now(UTC), settings.lease_s)
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
    assert store.claim_outbox("a", "another", datetime.now(UTC), 60)
