"""What of a stream is gone from the registry, and which alias stands elsewhere than recorded."""

from __future__ import annotations

from typing import Any

import pytest

from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.domain.registered_model import AliasTarget, RegisteredModel
from growlearn.domain.stream import Alias, MessageKind
from growlearn.registry.outbox import deliver_messages
from growlearn.registry.registered_model import find_lost, find_moved_aliases, requeue_lost


@pytest.fixture
def delivered(history: Any) -> Any:
    """Stream s with versions 1 and 2, both registered; 2 is the champion."""
    history.grow("s", a=9)
    history.grow("s", a=9, b=8)
    history.tracker = MemoryTracker()
    deliver_messages(history.store, history.tracker, history.clock)
    return history


def read(delivered: Any) -> RegisteredModel:
    store = delivered.store
    model: RegisteredModel = delivered.tracker.read_registered_model(store.stream("s"), store.versions("s"))
    return model


def test_what_is_there_is_not_lost(delivered: Any) -> None:
    lost = requeue_lost(delivered.store, delivered.store.stream("s"), read(delivered))
    assert not lost
    assert delivered.store.outbox.pending() == ()


def test_lost_versions_and_aliases_are_queued_once_and_restored(delivered: Any) -> None:
    store, stream = delivered.store, delivered.store.stream("s")
    delivered.tracker.versions.clear()
    delivered.tracker.aliases.clear()
    lost = requeue_lost(store, stream, read(delivered))
    assert str(lost) == "version 1, version 2, alias champion"
    assert [pending.message.kind for pending in store.outbox.pending()] == [
        MessageKind.CYCLE,
        MessageKind.CYCLE,
        MessageKind.ALIASES,
    ]
    assert not requeue_lost(store, stream, read(delivered))  # it waits already
    deliver_messages(store, delivered.tracker, delivered.clock)
    assert not find_lost(store, stream, read(delivered))
    assert read(delivered).aliases[Alias.CHAMPION].number == 2


def test_what_cannot_be_delivered_is_not_queued_again(delivered: Any) -> None:
    store, stream = delivered.store, delivered.store.stream("s")
    delivered.tracker.versions["s"].pop("1")
    requeue_lost(store, stream, read(delivered))
    for pending in store.outbox.pending():
        store.outbox.record_undeliverable(pending.id, "refused", delivered.clock.now())
    assert not find_lost(store, stream, read(delivered))


@pytest.mark.parametrize(
    ("alias", "target", "expected"),
    [
        (Alias.CHAMPION, AliasTarget(tracker_version="2", number=2, owner=""), None),
        (
            Alias.CHAMPION,
            AliasTarget(tracker_version="1", number=1, owner=""),
            "alias champion of registered model 's' stands on version 1 of this stream, but the record has "
            "version 2 (to set the aliases as recorded: growlearn promote s 2)",
        ),
        (
            Alias.CHALLENGER,
            AliasTarget(tracker_version="1", number=1, owner=""),
            "alias challenger of registered model 's' stands on version 1 of this stream, but the record has "
            "no version (to set the aliases as recorded: growlearn promote s 2)",
        ),
        (
            Alias.CHAMPION,
            AliasTarget(tracker_version="7", number=None, owner="GrowLearn did not register it"),
            "alias champion of registered model 's' stands on its version 7, which is not of this stream: "
            "GrowLearn did not register it (to set the aliases as recorded: growlearn promote s 2; where "
            "both streams live, each wants a registry.model of its own)",
        ),
        (
            Alias.CHALLENGER,
            AliasTarget(tracker_version="7", number=None, owner="GrowLearn did not register it"),
            "alias challenger of registered model 's' stands on its version 7, which is not of this stream: "
            "GrowLearn did not register it (move or remove it in MLflow)",
        ),
    ],
)
def test_an_alias_that_stands_elsewhere_is_told_with_what_to_do(
    delivered: Any, alias: Alias, target: AliasTarget, expected: str | None
) -> None:
    model = RegisteredModel(versions={1: "1", 2: "2"}, aliases={alias: target})
    moved = [str(item) for item in find_moved_aliases(delivered.store.stream("s"), model)]
    assert moved == ([] if expected is None else [expected])
