from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from growlearn.domain.errors import ConcurrentUpdate, NotFound
from growlearn.domain.lineage import BranchRecord, BranchState, Task, Version
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind, Transition
from growlearn.domain.window import IngestResult, WindowState
from growlearn.ports import Store

Promote = Callable[..., Version]
MakeTransition = Callable[..., Transition]
NEWS = Message(stream="digits", kind=MessageKind.ALIASES)


@pytest.fixture
def crown(at: datetime) -> Callable[..., AliasChange]:
    def make(before: int | None, after: int | None, alias: Alias = Alias.CHAMPION) -> AliasChange:
        return AliasChange(
            stream="digits", alias=alias, before=before, after=after, actor="ada", reason="why not", at=at
        )

    return make


def test_versions_branches_and_tasks_come_back_as_they_were(
    store: Store, promote: Promote, branch: BranchRecord, task: Task
) -> None:
    version = promote()

    assert store.versions("digits") == (version,)
    assert store.branches("digits") == (branch,)
    assert store.tasks("digits") == (task,)
    assert [type(label) for label in store.tasks("digits")[0].classes] == [int, int, str]


def test_everything_is_listed_in_the_order_it_was_made(store: Store, promote: Promote) -> None:
    for number in range(1, 12):  # b10 and task-10 sort before b2 and task-2 by spelling
        promote(number)

    numbers = list(range(1, 12))
    assert [version.number for version in store.versions("digits")] == numbers
    assert [branch.id for branch in store.branches("digits")] == [f"b{n}" for n in numbers]
    assert [task.name for task in store.tasks("digits")] == [f"task-{n}" for n in numbers]


def test_several_branches_of_one_move_keep_their_order(
    store: Store, promote: Promote, branch: BranchRecord
) -> None:
    grown = (branch, replace(branch, id="b2", parent="b1", stem="b1"), replace(branch, id="b3", parent="b2"))

    promote(branches=grown)

    assert store.branches("digits") == grown


def test_a_rejected_branch_is_kept_without_a_version(
    store: Store, promote: Promote, branch: BranchRecord
) -> None:
    rejected = replace(branch, state=BranchState.REJECTED, version=None)

    promote(target=WindowState.REJECTED, version=None, new_task=None, branches=(rejected,))

    assert store.branches("digits") == (rejected,)
    assert (*store.versions("digits"), *store.tasks("digits")) == ()


def _same_version(version: Version, branch: BranchRecord, task: Task) -> dict[str, object]:
    return {"version": replace(version, window="w2"), "branches": (), "new_task": None}


def _same_branch(version: Version, branch: BranchRecord, task: Task) -> dict[str, object]:
    return {"branches": (replace(branch, window="w2"),)}


def _same_task(version: Version, branch: BranchRecord, task: Task) -> dict[str, object]:
    return {"new_task": replace(task, window="w2")}


@pytest.mark.parametrize("twice", [_same_version, _same_branch, _same_task])
def test_nothing_immutable_is_made_twice(
    store: Store, promote: Promote, version: Version, branch: BranchRecord, task: Task,
    twice: Callable[[Version, BranchRecord, Task], dict[str, object]],
) -> None:  # fmt: skip
    promote()
    before = (store.versions("digits"), store.branches("digits"), store.tasks("digits"))

    with pytest.raises(ConcurrentUpdate, match="exists already"):
        promote(2, **twice(version, branch, task))

    assert (store.versions("digits"), store.branches("digits"), store.tasks("digits")) == before
    assert store.window("digits", "w2").state is WindowState.EVALUATED


def test_a_name_may_be_opened_again_on_another_line_of_versions(
    store: Store, promote: Promote, task: Task
) -> None:
    promote()
    again = replace(task, window="w2", version=2)

    promote(2, new_task=again)

    assert store.tasks("digits") == (task, again)


# Aliases ------------------------------------------------------------------------------------------


def test_a_promotion_moves_alias_and_base_with_the_window(
    store: Store, promote: Promote, crown: Callable[..., AliasChange]
) -> None:
    moves = (crown(None, 1),)

    promote(alias_changes=moves, parent_version=1, messages=(NEWS,))

    stream = store.stream("digits")
    assert (stream.champion, stream.challenger, stream.parent_version) == (1, None, 1)
    assert store.alias_changes("digits") == moves
    assert [pending.message for pending in store.outbox.pending()] == [NEWS]


def test_a_move_that_comes_too_late_undoes_the_whole_transition(
    store: Store, promote: Promote, crown: Callable[..., AliasChange]
) -> None:
    promote(alias_changes=(crown(None, 1),), parent_version=1)

    with pytest.raises(ConcurrentUpdate, match="alias champion of stream 'digits' no longer points at None"):
        promote(
            2, alias_changes=(crown(None, 2),), parent_version=2, parent_version_before=1, messages=(NEWS,)
        )

    assert len(store.versions("digits")) == 1
    assert store.stream("digits").champion == store.stream("digits").parent_version == 1
    assert store.window("digits", "w2").state is WindowState.EVALUATED
    assert store.outbox.pending() == ()


def test_a_candidate_of_a_base_that_growth_has_left_undoes_the_whole_transition(
    store: Store, promote: Promote, crown: Callable[..., AliasChange]
) -> None:
    promote(alias_changes=(crown(None, 1),), parent_version=1)

    with pytest.raises(ConcurrentUpdate, match="the parent version of stream 'digits' is 1, no longer 7"):
        promote(2, alias_changes=(crown(1, 2),), parent_version=2, parent_version_before=7, messages=(NEWS,))

    assert len(store.versions("digits")) == 1
    assert store.stream("digits").parent_version == 1


def test_aliases_move_one_after_the_other(
    store: Store, promote: Promote, crown: Callable[..., AliasChange]
) -> None:
    promote(1)
    promote(2)
    moves = (crown(None, 1), crown(None, 2, Alias.CHALLENGER), crown(1, 2), crown(2, None, Alias.CHALLENGER))

    store.change_aliases("digits", moves, 2, NEWS)

    stream = store.stream("digits")
    assert (stream.champion, stream.challenger, stream.parent_version) == (2, None, 2)
    assert store.alias_changes("digits") == moves
    assert [pending.message for pending in store.outbox.pending()] == [NEWS]


def test_no_base_leaves_the_base(store: Store, promote: Promote, crown: Callable[..., AliasChange]) -> None:
    promote(parent_version=1)

    store.change_aliases("digits", [crown(None, 1)], None, NEWS)

    assert store.stream("digits").parent_version == 1


@pytest.mark.parametrize("before", [None, 2])
def test_an_alias_that_stands_elsewhere_is_a_lost_race_that_writes_nothing(
    store: Store, promote: Promote, crown: Callable[..., AliasChange], before: int | None
) -> None:
    promote(1)
    promote(2)
    store.change_aliases("digits", [crown(None, 1)], 1, NEWS)
    stands = store.stream("digits")

    with pytest.raises(ConcurrentUpdate, match=f"no longer points at {before}"):
        store.change_aliases("digits", [crown(None, 2, Alias.CHALLENGER), crown(before, 2)], 2, NEWS)

    assert store.stream("digits") == stands
    assert len(store.alias_changes("digits")) == 1
    assert len(store.outbox.pending()) == 1


def test_a_base_that_growth_has_left_meanwhile_is_a_lost_race_that_writes_nothing(
    store: Store, promote: Promote, crown: Callable[..., AliasChange]
) -> None:
    promote(1, parent_version=1)
    promote(2, parent_version=2, parent_version_before=1)
    stands = store.stream("digits")

    with pytest.raises(ConcurrentUpdate, match="the parent version of stream 'digits' is 2, no longer 1"):
        store.change_aliases("digits", [crown(None, 1)], 1, NEWS, parent_version_before=1)

    assert store.stream("digits") == stands
    assert store.alias_changes("digits") == ()
    store.change_aliases("digits", [crown(None, 1)], 1, NEWS, parent_version_before=2)
    assert store.stream("digits").parent_version == 1


@pytest.mark.parametrize(("after", "base"), [(7, 1), (1, 7)])
def test_aliases_and_base_point_at_versions_there_are(
    store: Store, promote: Promote, crown: Callable[..., AliasChange], after: int, base: int
) -> None:
    promote(1)
    promote(2)

    with pytest.raises(NotFound, match=r"'digits' has no version 7 \(known versions: 1, 2\)"):
        store.change_aliases("digits", [crown(None, after)], base, NEWS)

    assert store.stream("digits").champion is None


def test_aliases_of_an_unknown_stream(store: Store) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        store.change_aliases("nowhere", [], None, replace(NEWS, stream="nowhere"))


def test_listings_of_an_unknown_stream_are_empty(store: Store) -> None:
    listings = (store.versions, store.branches, store.tasks, store.alias_changes)

    assert [tuple(listing("nowhere")) for listing in listings] == [()] * 4


# Receipts live on versions ------------------------------------------------------------------------


def test_windows_taken_in_between_do_not_disturb_the_model(
    store: Store, promote: Promote, make_ingest: Callable[..., IngestResult]
) -> None:
    version = promote()

    store.record_ingest(make_ingest(2))

    assert store.versions("digits") == (version,)
