from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growlearn.adapters.memory.clock import ManualClock
from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, Stream
from growlearn.registry.promotion import get_aliases, promote_version, rollback_version, set_challenger
from growlearn.registry.version_tree import get_ancestry

NOW = ManualClock().now()
Versions = tuple[Version, ...]


def test_promotion_makes_the_target_champion_and_parent_of_growth(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    changes, parent_version = promote_version(stream, versions, 4, "ann", "better", NOW)
    assert summarize(changes) == [(Alias.CHAMPION, 3, 4), (Alias.CHALLENGER, 4, None)]
    assert parent_version == 4
    assert {(change.stream, change.actor, change.reason, change.at) for change in changes} == {
        ("s", "ann", "better", NOW)
    }


def test_promotion_of_an_ancestor_keeps_the_parent_version(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    changes, parent_version = promote_version(stream, versions, 1, "ann", "r", NOW)
    assert summarize(changes) == [(Alias.CHAMPION, 3, 1)]
    assert parent_version == 3


def test_promotion_of_the_challenger_keeps_the_parent_version(stream: Stream, versions: Versions) -> None:
    held = replace(stream, champion=2, parent_version=3, challenger=3)
    assert promote_version(held, versions, 3, "ann", "r", NOW)[1] == 3


def test_the_first_version_is_promoted_from_nothing(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    bare = replace(stream, champion=None, challenger=None, parent_version=None)
    changes, parent_version = promote_version(bare, versions, 1, "gates", "r", NOW)
    assert (summarize(changes), parent_version) == ([(Alias.CHAMPION, None, 1)], 1)


def test_rollback_goes_to_the_champion_s_parent(stream: Stream, versions: Versions, summarize: Any) -> None:
    changes, parent_version = rollback_version(stream, versions, None, "ann", "r", NOW)
    assert (summarize(changes), parent_version) == ([(Alias.CHAMPION, 3, 2), (Alias.CHALLENGER, 4, None)], 2)


def test_rollback_to_a_named_version_makes_it_parent_of_growth(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    changes, parent_version = rollback_version(stream, versions, 1, "ann", "r", NOW)
    assert (summarize(changes), parent_version) == ([(Alias.CHAMPION, 3, 1), (Alias.CHALLENGER, 4, None)], 1)


def test_rollback_to_the_champion_removes_the_challenger(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    held = replace(stream, champion=1, parent_version=2, challenger=2)
    changes, parent_version = rollback_version(held, versions, 1, "ann", "r", NOW)
    assert (summarize(changes), parent_version) == ([(Alias.CHALLENGER, 2, None)], 1)


def test_a_rollback_that_changes_only_the_parent_version_is_recorded_too(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    ahead = replace(stream, champion=1, parent_version=2, challenger=None)
    changes, parent_version = rollback_version(ahead, versions, 1, "ann", "r", NOW)
    assert (summarize(changes), parent_version) == ([(Alias.CHAMPION, 1, 1)], 1)
    assert (changes[0].actor, changes[0].reason) == ("ann", "r")


def test_rollback_from_the_first_version_says_how_to_reject_its_challenger(
    stream: Stream, versions: Versions
) -> None:
    held = replace(stream, champion=1, parent_version=2, challenger=2)
    with pytest.raises(GrowLearnError, match="to reject the challenger: growlearn rollback s 1"):
        rollback_version(held, versions, None, "ann", "r", NOW)


def test_a_challenger_that_is_an_ancestor_of_the_new_champion_is_removed(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    held = replace(stream, champion=1, parent_version=2, challenger=2)
    changes, parent_version = promote_version(held, versions, 3, "ann", "r", NOW)
    assert (summarize(changes), parent_version) == ([(Alias.CHAMPION, 1, 3), (Alias.CHALLENGER, 2, None)], 3)


def test_rollback_to_the_challenger_is_refused(stream: Stream, versions: Versions) -> None:
    with pytest.raises(GrowLearnError, match=r"version 4 .* is the challenger, .*growlearn promote s\)"):
        rollback_version(stream, versions, 4, "ann", "r", NOW)


def test_rollback_from_the_first_version_is_refused(stream: Stream, versions: Versions) -> None:
    with pytest.raises(GrowLearnError, match="version 1 is the first one"):
        rollback_version(replace(stream, champion=1), versions, None, "ann", "r", NOW)


def test_rollback_without_a_champion_is_refused(stream: Stream, versions: Versions) -> None:
    with pytest.raises(GrowLearnError, match=r"'s' has no champion .*growlearn delete s\)"):
        rollback_version(replace(stream, champion=None), versions, None, "ann", "r", NOW)


@pytest.mark.parametrize("move", [promote_version, rollback_version])
def test_the_champion_is_not_promoted_again(move: Any, stream: Stream, versions: Versions) -> None:
    stream = replace(stream, challenger=None, parent_version=3)
    with pytest.raises(GrowLearnError, match="version 3 of stream 's' is the champion already"):
        move(stream, versions, 3, "ann", "r", NOW)


@pytest.mark.parametrize("move", [promote_version, rollback_version, set_challenger])
def test_an_unknown_version_cannot_get_an_alias(move: Any, stream: Stream, versions: Versions) -> None:
    with pytest.raises(NotFound, match="no version 9"):
        move(stream, versions, 9, "ann", "r", NOW)


def test_a_challenger_keeps_the_champion_and_is_the_parent_of_growth(
    stream: Stream, versions: Versions, summarize: Any
) -> None:
    changes, parent_version = set_challenger(replace(stream, challenger=None), versions, 4, "gates", "r", NOW)
    assert (summarize(changes), parent_version) == ([(Alias.CHALLENGER, None, 4)], 4)


def test_aliases_are_those_that_point_to_the_version(stream: Stream) -> None:
    assert get_aliases(stream, 3) == (Alias.CHAMPION,)
    assert get_aliases(stream, 4) == (Alias.CHALLENGER,)
    assert get_aliases(stream, 1) == ()


MOVES = st.lists(
    st.tuples(st.sampled_from([promote_version, rollback_version]), st.integers(1, 4)), max_size=12
)


@given(choices=MOVES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_parent_version_is_always_the_champion_or_a_descendant_of_it(
    choices: list[tuple[Any, int]], stream: Stream, versions: Versions
) -> None:
    for move, target in choices:
        if target == stream.champion or (move is rollback_version and target == stream.challenger):
            continue
        changes, parent_version = move(stream, versions, target, "ann", "r", NOW)
        for change in changes:
            current = stream.champion if change.alias is Alias.CHAMPION else stream.challenger
            assert change.before == current
            stream = replace(stream, **{str(change.alias): change.after})
        stream = replace(stream, parent_version=parent_version)
        assert stream.champion == target
        assert target in [version.number for version in get_ancestry(versions, parent_version)]
        assert stream.challenger != target
