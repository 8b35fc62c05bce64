from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn.domain.errors import NotFound
from growlearn.domain.job import Job
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Message, MessageKind, PendingMessage, TrackerIds, UndeliverableMessage
from growlearn.ports import Store

CYCLE = Message(stream="digits", kind=MessageKind.CYCLE, window="w1")
ALIASES = Message(stream="digits", kind=MessageKind.ALIASES)
RECEIPT = TrackerIds(run_id="r1", model_version="12")


@pytest.fixture
def sent(promote: Callable[..., Version]) -> Version:
    return promote(messages=(CYCLE, ALIASES))


def _first(store: Store) -> PendingMessage:
    return store.outbox.pending()[0]


def test_messages_wait_in_the_order_they_were_sent(store: Store, sent: Version) -> None:
    waiting = store.outbox.pending()

    assert [(pending.message, pending.attempts) for pending in waiting] == [(CYCLE, 0), (ALIASES, 0)]
    assert waiting[0].id < waiting[1].id


def test_messages_of_one_stream_and_so_many(store: Store, sent: Version, job: Job, at: datetime) -> None:
    store.apply(replace(job, name="other"), at)
    news = replace(ALIASES, stream="other")
    store.change_aliases("other", [], None, news)

    assert [pending.message for pending in store.outbox.pending()] == [CYCLE, ALIASES, news]
    assert [pending.message for pending in store.outbox.pending("other")] == [news]
    assert [pending.message for pending in store.outbox.pending(limit=1)] == [CYCLE]
    assert [pending.message for pending in store.outbox.pending("digits", 1)] == [CYCLE]
    assert store.outbox.pending("nowhere") == ()
    assert store.outbox.streams() == ("digits", "other")


def test_a_stream_whose_messages_were_all_sent_has_none(store: Store, sent: Version, at: datetime) -> None:
    first, second = store.outbox.pending()
    store.outbox.record_delivery(first.id, RECEIPT, at)
    assert store.outbox.streams() == ("digits",)
    store.outbox.record_undeliverable(second.id, "refused", at)
    assert store.outbox.streams() == ()


def test_a_delivered_message_waits_no_more_and_its_receipt_is_on_the_version(
    store: Store, sent: Version, at: datetime
) -> None:
    store.outbox.record_delivery(_first(store).id, RECEIPT, at)

    assert [pending.message for pending in store.outbox.pending()] == [ALIASES]
    assert store.versions("digits") == (replace(sent, mlflow_run="r1", mlflow_version="12"),)


def test_an_empty_receipt_changes_nothing(store: Store, sent: Version, at: datetime) -> None:
    for pending in store.outbox.pending():
        store.outbox.record_delivery(pending.id, TrackerIds(), at)

    assert store.versions("digits") == (sent,)


def test_a_receipt_for_aliases_belongs_to_no_version(store: Store, sent: Version, at: datetime) -> None:
    store.outbox.record_delivery(store.outbox.pending()[1].id, RECEIPT, at)

    assert store.versions("digits") == (sent,)


def test_a_receipt_belongs_to_the_version_of_its_window_only(
    store: Store, sent: Version, promote: Callable[..., Version], at: datetime
) -> None:
    second = promote(2)

    store.outbox.record_delivery(_first(store).id, RECEIPT, at)

    assert [version.mlflow_run for version in store.versions("digits")] == ["r1", second.mlflow_run]


def test_delivering_twice_has_one_effect(store: Store, sent: Version, at: datetime) -> None:
    first = _first(store).id

    store.outbox.record_delivery(first, RECEIPT, at)
    store.outbox.record_delivery(first, TrackerIds(run_id="r2", model_version="13"), at)
    store.outbox.record_failure(first, "too late", at)

    assert store.versions("digits")[0].mlflow_run == "r1"
    assert len(store.outbox.pending()) == 1


def test_failed_attempts_are_counted_and_keep_their_place(store: Store, sent: Version, at: datetime) -> None:
    first = _first(store).id

    store.outbox.record_failure(first, "no route to host", at)
    store.outbox.record_failure(first, "no route to host", at)

    assert [pending.attempts for pending in store.outbox.pending()] == [2, 0]
    assert _first(store).id == first


def test_a_message_of_a_stream_deleted_meanwhile_is_harmless(
    store: Store, sent: Version, at: datetime
) -> None:
    late = _first(store).id
    store.delete("digits")

    store.outbox.record_delivery(late, RECEIPT, at)
    store.outbox.record_failure(late, "gone", at)

    assert store.outbox.pending() == ()


def test_message_ids_are_never_used_twice(
    store: Store, sent: Version, promote: Callable[..., Version], at: datetime
) -> None:
    old = {pending.id for pending in store.outbox.pending()}
    store.delete("digits")
    again = promote(messages=(CYCLE,))

    assert _first(store).id not in old
    for late in old:
        store.outbox.record_delivery(late, RECEIPT, at)
    assert store.versions("digits") == (again,)


def test_one_worker_tells_of_a_stream_at_a_time(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    store.apply(replace(job, name="other"), at)
    later = at + timedelta(seconds=30)

    assert store.outbox.claim("digits", "ada", at, 60)
    assert not store.outbox.claim("digits", "bob", later, 60)
    assert store.outbox.claim("other", "bob", later, 60)
    assert store.outbox.claim("digits", "ada", later, 60)  # renewed
    assert not store.outbox.claim("digits", "bob", at + timedelta(seconds=60), 60)
    assert store.outbox.claim("digits", "bob", later + timedelta(seconds=60), 60)


def test_an_outbox_is_given_up_by_its_holder_alone(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    store.outbox.claim("digits", "ada", at, 60)

    store.outbox.release("digits", "bob")
    assert not store.outbox.claim("digits", "bob", at, 60)
    store.outbox.release("digits", "ada")
    assert store.outbox.claim("digits", "bob", at, 60)


def test_the_outbox_of_an_unknown_stream_is_nobody_s(store: Store, at: datetime) -> None:
    assert not store.outbox.claim("nowhere", "ada", at, 60)
    store.outbox.release("nowhere", "ada")


def test_a_message_that_can_never_be_delivered_leaves_the_queue_and_keeps_its_reason(
    store: Store, sent: Version, at: datetime
) -> None:
    first = _first(store).id

    store.outbox.record_undeliverable(first, "refused", at)

    assert [pending.message for pending in store.outbox.pending()] == [ALIASES]
    assert store.outbox.undeliverable("digits") == (UndeliverableMessage(message=CYCLE, reason="refused"),)
    assert store.outbox.undeliverable("nowhere") == ()


def test_a_message_put_back_has_its_old_place_and_its_attempts(
    store: Store, sent: Version, at: datetime
) -> None:
    store.outbox.record_undeliverable(_first(store).id, "refused", at)

    store.outbox.requeue_undeliverable("digits")

    assert [(pending.message, pending.attempts) for pending in store.outbox.pending()] == [
        (CYCLE, 1),
        (ALIASES, 0),
    ]
    assert store.outbox.undeliverable("digits") == ()


def test_a_message_delivered_after_all_is_not_undeliverable(
    store: Store, sent: Version, at: datetime
) -> None:
    first = _first(store).id
    store.outbox.record_undeliverable(first, "refused", at)

    store.outbox.record_delivery(first, RECEIPT, at)
    store.outbox.record_undeliverable(first, "too late", at)

    assert store.outbox.undeliverable("digits") == ()
    assert store.versions("digits")[0].mlflow_version == "12"


def test_messages_are_queued_alone_for_a_stream_that_exists(store: Store, sent: Version) -> None:
    taking = replace(ALIASES, kind=MessageKind.TAKE_ALIASES)
    store.outbox.enqueue([CYCLE, taking])

    assert [pending.message for pending in store.outbox.pending()] == [CYCLE, ALIASES, CYCLE, taking]
    with pytest.raises(NotFound):
        store.outbox.enqueue([replace(ALIASES, stream="nowhere")])
