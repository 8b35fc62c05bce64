from __future__ import annotations

import threading

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.deliverer import Deliverer, Delivery
from growlearn.app.outages import Outages
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Message, MessageKind, TrackerIds

RETRY_S = 20.0


class Post:
    """A deliverer, a record with a message of each of three streams, and a tracker that obeys."""

    def __init__(self) -> None:
        self.clock, self.store = ManualClock(), MemoryStore()
        self.tried: list[str] = []
        self.said: list[str] = []
        self.answers: dict[str, Delivery | Exception] = {}
        for name in "abc":
            schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
            self.store.apply(Job(name=name, source=SourceConfig(url="/in"), schema=schema), self.clock.now())
            self.store.outbox.enqueue([Message(stream=name, kind=MessageKind.ALIASES)])
        self.deliverer = Deliverer(
            self.store,
            self.clock,
            self.deliver,
            Outages(self.clock, self.said.append, self.said.append),
            poll_s=0.01,
            retry_s=RETRY_S,
        )

    def deliver(self, name: str) -> Delivery:
        self.tried.append(name)
        answer = self.answers.get(name, Delivery.DONE)
        if isinstance(answer, Exception):
            raise answer
        if answer is Delivery.DONE:
            for message in self.store.outbox.pending(name):
                self.store.outbox.record_delivery(message.id, TrackerIds(), self.clock.now())
        return answer

    def look(self, wait_s: float = 0) -> list[str]:
        """The streams that are tried after so many seconds."""
        self.clock.advance(wait_s)
        before = len(self.tried)
        self.deliverer.deliver_due(threading.Event())
        return self.tried[before:]


@pytest.fixture
def post() -> Post:
    return Post()


def test_every_stream_with_messages_is_delivered_once(post: Post) -> None:
    assert [post.look(), post.look(RETRY_S)] == [["a", "b", "c"], []]


def test_a_tracker_that_is_away_is_tried_with_one_stream_later_and_later(post: Post) -> None:
    post.answers = dict.fromkeys("abc", Delivery.FAILED)
    looks = [post.look(wait_s) for wait_s in (0, 19, 1, 39, 1, 59, 1, 59, 1)]
    assert looks == [["a"], [], ["b"], [], ["c"], [], ["a"], [], ["b"]]  # a minute at most
    post.answers = {}
    assert post.look(60) == ["c", "a", "b"]


def test_one_stream_that_cannot_be_delivered_does_not_hold_up_the_others(post: Post) -> None:
    post.answers = {"a": Delivery.FAILED}
    assert [post.look(), post.look(RETRY_S)] == [["a"], ["b", "c", "a"]]
    assert post.store.outbox.streams() == ("a",)


def test_a_stream_that_another_process_delivers_is_left_to_it_for_a_lease(post: Post) -> None:
    post.answers = {"b": Delivery.ELSEWHERE}
    looks = [post.look(wait_s) for wait_s in (0, 0, 19, 1, 20)]
    assert looks == [["a", "b", "c"], [], [], ["b"], ["b"]]
    assert post.said == []


def test_a_stream_deleted_meanwhile_is_told_and_tried_again(post: Post) -> None:
    post.answers = {"a": KeyError("gone")}
    assert post.look() == ["a"]
    assert post.said == ["delivery of stream 'a': 'gone'; tried again until it is back"]


def test_a_stream_that_was_handled_is_looked_at_though_it_has_no_messages(post: Post) -> None:
    post.look()
    post.deliverer.wake("b")
    assert [post.look(), post.look()] == [["b"], []]


def test_a_thread_delivers_until_it_is_stopped(post: Post) -> None:
    stop, done = threading.Event(), threading.Event()
    deliver = post.deliverer._deliver

    def deliver_and_tell(name: str) -> Delivery:
        delivery = deliver(name)
        if name == "c":
            done.set()
        return delivery

    post.deliverer._deliver = deliver_and_tell
    join = post.deliverer.start(stop)
    assert done.wait(10)
    stop.set()
    join()
    assert post.tried == ["a", "b", "c"]


def test_a_database_that_is_away_ends_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as away:
        away.setattr(post.store.outbox, "streams", lambda: 1 / 0)
        assert post.look() == []
    assert post.look() == ["a", "b", "c"]
