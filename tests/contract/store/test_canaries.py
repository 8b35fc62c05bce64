"""Canaries: one a stream runs, is counted by several processes, and stops once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from growlearn.adapters.db.alerts import DbAlertQueue
from growlearn.adapters.db.store import DbStore
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.alert import AlertKind
from growlearn.domain.canary import ANSWER_RETENTION, AUTOMATIC, CanaryAnswer, CanaryCounts
from growlearn.domain.decision_log import LogEntryKind
from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.domain.job import Job
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind
from growlearn.ports import AlertQueue, Store
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


@pytest.fixture
def three_versions(store: Store, promote_in: Callable[..., Version]) -> Store:
    """Versions 1, 2 and 3 of digits; 1 is the champion, 3 the challenger."""
    for number in (1, 2, 3):
        promote_in(store, number)
    move(store, Alias.CHAMPION, None, 1)
    move(store, Alias.CHALLENGER, None, 3)
    return store


def move(store: Store, alias: Alias, before: int | None, after: int | None) -> None:
    change = AliasChange(
        stream="digits", alias=alias, before=before, after=after, actor="ada", reason="by hand", at=AT + HOUR
    )
    store.change_aliases("digits", [change], None, Message(stream="digits", kind=MessageKind.ALIASES))


def answer(row_id: str, champion: str | None, version: str | None, after: timedelta = HOUR) -> CanaryAnswer:
    return CanaryAnswer(row_id=row_id, champion=champion, version=version, at=AT + after)


def log_of(store: Store) -> list[tuple[LogEntryKind, str, int | None]]:
    return [
        (entry.kind, entry.actor, entry.canary)
        for entry in store.decision_log("digits")
        if entry.canary is not None
    ]


def test_a_canary_of_the_challenger_runs_until_it_is_stopped(three_versions: Store) -> None:
    store = three_versions
    started = store.canaries.start("digits", None, 5, AT, "ada")
    assert (started.version, started.champion, started.number) == (3, 1, 1)
    assert (started.share_percent, started.follows_challenger, started.is_running) == (5, True, True)
    assert started.alpha == store.stream("digits").job.baseline_comparison.alpha
    assert store.canaries.running() == store.canaries.of_stream("digits") == (started,)

    stopped = store.canaries.stop("digits", None, "seen enough", AT + HOUR, "bob")
    assert stopped == started.stop("seen enough", AT + HOUR, "bob")
    assert (store.canaries.of_stream("digits"), store.canaries.running()) == ((stopped,), ())
    assert store.canaries.stop("digits", None, "again", AT + HOUR, "bob") is None
    assert store.canaries.of_stream("digits") == (stopped,)
    assert log_of(store) == [
        (LogEntryKind.CANARY_STARTED, "ada", 1),
        (LogEntryKind.CANARY_STOPPED, "bob", 1),
    ]


def test_another_canary_replaces_the_one_that_runs(three_versions: Store) -> None:
    three_versions.canaries.start("digits", 2, 5, AT, "ada")
    three_versions.canaries.start("digits", 2, 25, AT + HOUR, "bob")
    first, second = three_versions.canaries.of_stream("digits")
    assert (first.stopped_by, first.stop_reason) == (
        "bob",
        "replaced: version 2 answers 25 % of the requests beside champion 1",
    )
    assert (second.number, second.is_running, second.follows_challenger) == (2, True, False)
    assert [kind for kind, *_ in log_of(three_versions)] == [
        LogEntryKind.CANARY_STARTED,
        LogEntryKind.CANARY_STOPPED,
        LogEntryKind.CANARY_STARTED,
    ]


@pytest.mark.parametrize(
    ("number", "share", "error"),
    [
        (7, 5, "has no version 7"),
        (1, 5, "version 1 of stream 'digits' is the champion"),
        (2, 51, "share 51 % must lie between 0 and 50"),
        (2, -1, "share -1 % must lie between 0 and 50"),
        (2, float("nan"), "share nan % must lie between 0 and 50"),
    ],
)
def test_what_cannot_be_a_canary_leaves_the_one_that_runs(
    three_versions: Store, number: int, share: float, error: str
) -> None:
    running = three_versions.canaries.start("digits", 2, 5, AT, "ada")
    with pytest.raises(GrowLearnError, match=error):
        three_versions.canaries.start("digits", number, share, AT, "bob")
    assert three_versions.canaries.of_stream("digits") == (running,)
    assert len(log_of(three_versions)) == 1


def test_a_canary_needs_a_stream_with_a_champion_and_a_challenger_or_a_version(
    store: Store, job: Job, promote_in: Callable[..., Version]
) -> None:
    for call in (
        lambda: store.canaries.start("digits", None, 5, AT, "ada"),
        lambda: store.canaries.stop("digits", None, "over", AT, "ada"),
        lambda: store.canaries.count_labels("digits", {"a": "1"}, AT),
    ):
        with pytest.raises(NotFound, match="there is no stream"):
            call()
    store.apply(job, AT)
    with pytest.raises(GrowLearnError, match="has no champion"):
        store.canaries.start("digits", None, 5, AT, "ada")
    promote_in(store, 1)
    move(store, Alias.CHAMPION, None, 1)
    with pytest.raises(GrowLearnError, match="has no challenger"):
        store.canaries.start("digits", None, 5, AT, "ada")
    assert (store.canaries.of_stream("digits"), store.canaries.of_stream("nobody")) == ((), ())


@pytest.mark.parametrize(
    ("number", "alias", "before", "after", "reason"),
    [
        (3, Alias.CHAMPION, 1, 3, "version 3 is the champion now"),
        (3, Alias.CHAMPION, 1, 2, "the champion is version 2 now, no longer 1"),
        (3, Alias.CHALLENGER, 3, None, "version 3 is the challenger no longer"),
        (2, Alias.CHALLENGER, 3, None, None),
    ],
)
def test_an_alias_that_moves_ends_the_canary_in_the_same_transaction(
    three_versions: Store, number: int, alias: Alias, before: int, after: int | None, reason: str | None
) -> None:
    three_versions.canaries.start("digits", number, 5, AT, "ada")
    move(three_versions, alias, before, after)
    (canary,) = three_versions.canaries.of_stream("digits")
    assert canary.stop_reason == reason
    if reason is not None:
        assert (canary.stopped_by, canary.stopped_at) == ("ada", AT + HOUR)
        assert log_of(three_versions)[-1] == (LogEntryKind.CANARY_STOPPED, "ada", 1)


def test_a_promotion_by_the_gates_ends_the_canary_too(
    three_versions: Store, promote_in: Callable[..., Version]
) -> None:
    three_versions.canaries.start("digits", 3, 5, AT, "ada")
    change = AliasChange(
        stream="digits", alias=Alias.CHAMPION, before=1, after=4, actor="gates", reason="w4", at=AT
    )
    promote_in(three_versions, 4, alias_changes=(change,))
    (canary,) = three_versions.canaries.of_stream("digits")
    assert (canary.stop_reason, canary.stopped_by) == ("the champion is version 4 now, no longer 1", "ada")


def test_counts_of_several_processes_add_up_also_after_the_stop(three_versions: Store) -> None:
    canary = three_versions.canaries.start("digits", 2, 5, AT, "ada")
    three_versions.canaries.add_counts(canary, CanaryCounts(compared=10, agreed=9), (), AT)
    three_versions.canaries.stop("digits", None, "over", AT, "ada")
    three_versions.canaries.add_counts(canary, CanaryCounts(compared=5, agreed=3, dropped=7), (), AT)
    (counted,) = three_versions.canaries.of_stream("digits")
    assert counted.counts == CanaryCounts(compared=15, agreed=12, dropped=7)
    assert counted.counts.agreement == 0.8
    three_versions.delete("digits")
    three_versions.canaries.add_counts(canary, CanaryCounts(compared=5), (answer("a", "1", "1"),), AT)
    assert three_versions.canaries.of_stream("digits") == ()


def test_what_was_counted_before_a_stream_was_made_anew_is_left_out(three_versions: Store, job: Job) -> None:
    old = three_versions.canaries.start("digits", 2, 5, AT, "ada")
    three_versions.delete("digits")
    three_versions.apply(job, AT + HOUR)
    three_versions.canaries.add_counts(old, CanaryCounts(compared=5), (answer("a", "1", "1"),), AT + HOUR)
    assert three_versions.canaries.of_stream("digits") == ()


def test_a_label_is_counted_once_for_both_answers_to_its_row(three_versions: Store) -> None:
    store = three_versions
    canary = store.canaries.start("digits", 2, 5, AT, "ada")
    waiting = (answer("a", "1", "1"), answer("b", "1", "2"), answer("c", "1", "2"), answer("d", "1", None))
    store.canaries.add_counts(canary, CanaryCounts(), waiting, AT + HOUR)
    store.canaries.add_counts(canary, CanaryCounts(), [answer("a", "9", "9")], AT + HOUR)  # the first stays
    labels = {"a": "1", "b": "1", "c": "2", "d": "1", "unknown": "1"}
    assert store.canaries.count_labels("digits", labels, AT) == 4
    assert store.canaries.count_labels("digits", labels, AT) == 0
    store.canaries.add_counts(canary, CanaryCounts(), [answer("a", "9", "9")], AT + HOUR)  # asked once more
    assert store.canaries.count_labels("digits", labels, AT) == 0
    (counted,) = store.canaries.of_stream("digits")
    assert counted.counts == CanaryCounts(
        labelled=4, champion_correct=3, version_correct=2, only_champion_correct=2
    )
    assert counted.counts.only_version_correct == 1


def test_each_canary_of_a_stream_has_answers_of_its_own_until_they_are_too_old(three_versions: Store) -> None:
    store = three_versions
    first = store.canaries.start("digits", 2, 5, AT, "ada")
    store.canaries.add_counts(first, CanaryCounts(), [answer("a", "1", "1"), answer("b", "1", "1")], AT)
    second = store.canaries.start("digits", 3, 5, AT, "ada")
    late = AT + HOUR + ANSWER_RETENTION + timedelta(seconds=1)
    store.canaries.add_counts(second, CanaryCounts(), [answer("a", "1", "2")], AT)
    assert store.canaries.count_labels("digits", {"a": "1"}, AT) == 2
    assert store.canaries.count_labels("digits", {"b": "1"}, late) == 0
    assert [one.counts.labelled for one in store.canaries.of_stream("digits")] == [1, 1]


def test_many_labels_are_counted_in_one_call(three_versions: Store) -> None:
    canary = three_versions.canaries.start("digits", 2, 5, AT, "ada")
    many = [answer(f"row {number}", "1", "2") for number in range(1203)]
    three_versions.canaries.add_counts(canary, CanaryCounts(), many, AT)
    labels = dict.fromkeys((each.row_id for each in many), "1")
    assert three_versions.canaries.count_labels("digits", labels, AT) == 1203


def test_only_a_stop_by_itself_is_told(three_versions: Store, alerts: AlertQueue) -> None:
    store = three_versions
    before = len(alerts.pending(AT))
    first = store.canaries.start("digits", 2, 5, AT, "ada")
    store.canaries.stop("digits", first.number, "by hand", AT + HOUR, "ada")
    second = store.canaries.start("digits", 2, 5, AT, "ada")
    assert store.canaries.stop("digits", first.number, "is over", AT + HOUR, AUTOMATIC) is None
    store.canaries.stop("digits", second.number, "less accurate", AT + HOUR, AUTOMATIC)
    assert store.canaries.stop("digits", second.number, "again", AT + HOUR, AUTOMATIC) is None
    told = [pending.alert for pending in alerts.pending(AT)][before:]
    assert [(alert.kind, alert.version, alert.text) for alert in told] == [
        (AlertKind.CANARY, 2, "canary stopped: less accurate")
    ]


def test_streams_are_told_apart(three_versions: Store, job: Job) -> None:
    three_versions.apply(replace(job, name="other"), AT)
    three_versions.canaries.start("digits", 2, 5, AT, "ada")
    assert three_versions.canaries.stop("other", None, "over", AT, "ada") is None
    assert three_versions.canaries.count_labels("other", {"a": "1"}, AT) == 0
    assert [one.stream for one in three_versions.canaries.running()] == ["digits"]
