from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growlearn.adapters.memory.clock import ManualClock
from growlearn.domain.errors import GrowLearnError, UnknownName
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, Stream
from growlearn.registry.ancestry import chain
from growlearn.registry.promotion import aliases_of, challenge, promote, rollback

NOW = ManualClock().now()
Versions = tuple[Version, ...]


def test_promotion_crowns_the_target_and_grows_on_from_it(
    stream: Stream, versions: Versions, moved: Any
) -> None:
    moves, base = promote(stream, versions, 4, "ann", "better", NOW)
    assert moved(moves) == [(Alias.CHAMPION, 3, 4), (Alias.CHALLENGER, 4, None)]
    assert base == 4
    assert {(move.stream, move.actor, move.reason, move.at) for move in moves} == {
        ("s", "ann", "better", NOW)
    }


def test_promotion_of_an_ancestor_of_the_base_leaves_the_base(
    stream: Stream, versions: Versions, moved: Any
) -> None:
    moves, base = promote(stream, versions, 1, "ann", "r", NOW)
    assert moved(moves) == [(Alias.CHAMPION, 3, 1)]
    assert base == 3


def test_promotion_of_the_held_base_leaves_it_where_it_is(stream: Stream, versions: Versions) -> None:
    held = replace(stream, champion=2, base=3, challenger=3)
    assert promote(held, versions, 3, "ann", "r", NOW)[1] == 3


def test_the_first_version_is_promoted_from_nothing(stream: Stream, versions: Versions, moved: Any) -> None:
    bare = replace(stream, champion=None, challenger=None, base=None)
    moves, base = promote(bare, versions, 1, "gates", "r", NOW)
    assert (moved(moves), base) == ([(Alias.CHAMPION, None, 1)], 1)


def test_rollback_goes_to_the_champion_s_parent(stream: Stream, versions: Versions, moved: Any) -> None:
    moves, base = rollback(stream, versions, None, "ann", "r", NOW)
    assert (moved(moves), base) == ([(Alias.CHAMPION, 3, 2), (Alias.CHALLENGER, 4, None)], 2)


def test_rollback_goes_to_a_named_version_and_grows_on_from_there(
    stream: Stream, versions: Versions, moved: Any
) -> None:
    moves, base = rollback(stream, versions, 1, "ann", "r", NOW)
    assert (moved(moves), base) == ([(Alias.CHAMPION, 3, 1), (Alias.CHALLENGER, 4, None)], 1)


def test_rollback_to_the_champion_declines_the_challenger(
    stream: Stream, versions: Versions, moved: Any
) -> None:
    held = replace(stream, champion=1, base=2, challenger=2)
    moves, base = rollback(held, versions, 1, "ann", "r", NOW)
    assert (moved(moves), base) == ([(Alias.CHALLENGER, 2, None)], 1)


def test_a_rollback_that_moves_only_the_base_is_kept_as_a_move_too(
    stream: Stream, versions: Versions, moved: Any
) -> None:
    ahead = replace(stream, champion=1, base=2, challenger=None)
    moves, base = rollback(ahead, versions, 1, "ann", "r", NOW)
    assert (moved(moves), base) == ([(Alias.CHAMPION, 1, 1)], 1)
    assert (moves[0].actor, moves[0].reason) == ("ann", "r")


def test_rollback_from_the_first_version_says_how_to_decline_its_challenger(
    stream: Stream, versions: Versions
) -> None:
    held = replace(stream, champion=1, base=2, challenger=2)
    with pytest.raises(GrowLearnError, match="to decline the challenger: growlearn rollback s 1"):
        rollback(held, versions, None, "ann", "r", NOW)


def test_a_challenger_that_the_crowned_version_grew_from_waits_no_longer(
    stream: Stream, versions: Versions, moved: Any
) -> None:
    held = replace(stream, champion=1, base=2, challenger=2)
    moves, base = promote(held, versions, 3, "ann", "r", NOW)
    assert (moved(moves), base) == ([(Alias.CHAMPION, 1, 3), (Alias.CHALLENGER, 2, None)], 3)


def test_rollback_to_the_challenger_is_refused(stream: Stream, versions: Versions) -> None:
    with pytest.raises(GrowLearnError, match=r"version 4 .* is the challenger, .*growlearn promote s\)"):
        rollback(stream, versions, 4, "ann", "r", NOW)


def test_rollback_from_the_first_version_is_refused(stream: Stream, versions: Versions) -> None:
    with pytest.raises(GrowLearnError, match="version 1 is the first one"):
        rollback(replace(stream, champion=1), versions, None, "ann", "r", NOW)


def test_rollback_without_a_champion_is_refused(stream: Stream, versions: Versions) -> None:
    with pytest.raises(GrowLearnError, match=r"'s' has no champion .*growlearn delete s\)"):
        rollback(replace(stream, champion=None), versions, None, "ann", "r", NOW)


@pytest.mark.parametrize("move", [promote, rollback])
def test_the_champion_is_not_crowned_twice(move: Any, stream: Stream, versions: Versions) -> None:
    stream = replace(stream, challenger=None, base=3)
    with pytest.raises(GrowLearnError, match="version 3 of stream 's' is the champion already"):
        move(stream, versions, 3, "ann", "r", NOW)


@pytest.mark.parametrize("move", [promote, rollback, challenge])
def test_an_unknown_version_cannot_be_moved_to(move: Any, stream: Stream, versions: Versions) -> None:
    with pytest.raises(UnknownName, match="no version 9"):
        move(stream, versions, 9, "ann", "r", NOW)


def test_a_challenger_leaves_the_champion_and_is_grown_on_from(
    stream: Stream, versions: Versions, moved: Any
) -> None:
    moves, base = challenge(replace(stream, challenger=None), versions, 4, "gates", "r", NOW)
    assert (moved(moves), base) == ([(Alias.CHALLENGER, None, 4)], 4)


def test_aliases_are_those_that_stand_at_a_version(stream: Stream) -> None:
    assert aliases_of(stream, 3) == (Alias.CHAMPION,)
    assert aliases_of(stream, 4) == (Alias.CHALLENGER,)
    assert aliases_of(stream, 1) == ()


MOVES = st.lists(st.tuples(st.sampled_from([promote, rollback]), st.integers(1, 4)), max_size=12)


@given(choices=MOVES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_do_the_base_is_the_champion_or_grew_from_it(
    choices: list[tuple[Any, int]], stream: Stream, versions: Versions
) -> None:
    for move, target in choices:
        if target == stream.champion or (move is rollback and target == stream.challenger):
            continue
        moves, base = move(stream, versions, target, "ann", "r", NOW)
        for each in moves:
            standing = stream.champion if each.alias is Alias.CHAMPION else stream.challenger
            assert each.before == standing
            stream = replace(stream, **{str(each.alias): each.after})
        stream = replace(stream, base=base)
        assert stream.champion == target
        assert target in [version.number for version in chain(versions, base)]
        assert stream.challenger != target
