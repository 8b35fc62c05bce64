"""The paired tests that say whether a dearer way is worth its price."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from growlearn.domain.evaluation import Cell
from growlearn.domain.worth import Contender, Means, Worth
from growlearn.evaluation.worth import Right, compare, weigh

COUNTS = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda counts: sum(counts) > 0)


def rows(both: int, cheap: int, dear: int, neither: int) -> tuple[Right, Right]:
    """Rows that both, only the cheap, only the dear and neither have right."""
    cheap_right = [True] * both + [True] * cheap + [False] * dear + [False] * neither
    dear_right = [True] * both + [False] * cheap + [True] * dear + [False] * neither
    return np.array(cheap_right), np.array(dear_right)


def contender(means: Means, parameters: int | None = None, loss: float | None = None) -> Contender:
    """One that costs the more the later it stands in the list of means, unless it is said."""
    return Contender(
        means=means,
        cell=Cell(task="t", correct=1, rows=2),
        parameters=list(Means).index(means) if parameters is None else parameters,
        branches=1,
        latency_s=0.1,
        seconds=1.0,
        validation_loss=loss,
    )


def weighed(**right: Right) -> Worth:
    said = {Means[name.upper()]: answers for name, answers in right.items()}
    return weigh([contender(means) for means in said], said, 0.05)


@given(COUNTS)
def test_the_p_value_is_that_of_the_exact_binomial_test(counts: tuple[int, int, int, int]) -> None:
    cheap, dear = rows(*counts)
    said = compare((Means.HEAD, Means.BRANCH), cheap, dear, 0.05)
    _, lost, gained, _ = counts
    assert (said.gained, said.lost, said.rows) == (gained, lost, sum(counts))
    expected = binomtest(gained, gained + lost, 0.5, "greater").pvalue if gained + lost else 1.0
    assert said.p_value == pytest.approx(expected)


@given(COUNTS)
def test_the_interval_holds_what_was_measured_and_is_wider_at_a_smaller_alpha(
    counts: tuple[int, int, int, int],
) -> None:
    cheap, dear = rows(*counts)
    said = compare((Means.HEAD, Means.BRANCH), cheap, dear, 0.05)
    surer = compare((Means.HEAD, Means.BRANCH), cheap, dear, 0.001)
    assert -1 <= surer.low <= said.low <= said.high <= surer.high <= 1
    if sum(counts) >= 10:
        assert (
            said.low - 0.1 <= said.difference <= said.high + 0.1
        )  # it is drawn towards 0 where rows are few


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        chance = rng.random(120)
        cheap, dear = chance < 0.8, rng.random(120) < 0.85
        said = compare((Means.HEAD, Means.BRANCH), cheap, dear, 0.05)
        covered += said.low <= 0.05 <= said.high
    assert covered >= 0.94 * 2000


def test_one_that_is_as_good_is_called_beaten_no_more_often_than_alpha() -> None:
    rng = np.random.default_rng(1)
    beaten = 0
    for _ in range(1000):
        right = {name: rng.random(200) < 0.8 for name in ("nothing", "head", "branch")}
        beaten += weighed(**right).winner is not Means.NOTHING
    assert beaten <= 0.05 * 1000


def test_the_cheapest_that_none_beats_wins() -> None:
    poor, fair, good = np.arange(100) < 50, np.arange(100) < 88, np.arange(100) < 90
    assert weighed(nothing=good, head=good, branch=good).winner is Means.NOTHING
    assert weighed(nothing=poor, head=fair, branch=good).winner is Means.HEAD
    assert weighed(nothing=poor, head=poor, branch=good).winner is Means.BRANCH
    assert weighed(nothing=poor, head=good, branch=poor).winner is Means.HEAD


def test_one_that_only_the_dearest_beats_is_beaten() -> None:
    cheap, middle, dear = np.arange(100) < 80, np.arange(100) < 83, np.arange(100) < 95
    assert weighed(nothing=cheap, head=middle, branch=dear).winner is Means.BRANCH


def test_each_is_held_against_every_dearer_one_at_its_share_of_alpha() -> None:
    right = np.ones(10, dtype=bool)
    said = weighed(nothing=right, head=right, branch=right)
    assert [(each.cheaper, each.dearer) for each in said.comparisons] == [
        (Means.NOTHING, Means.HEAD), (Means.NOTHING, Means.BRANCH), (Means.HEAD, Means.BRANCH),
    ]  # fmt: skip
    assert {each.p_value for each in said.comparisons} == {1.0}


def test_a_contender_is_found_by_name() -> None:
    right = np.ones(10, dtype=bool)
    said = weighed(head=right, branch=right)
    assert said.contender(Means.BRANCH).means is Means.BRANCH
    with pytest.raises(KeyError):
        said.contender(Means.NOTHING)


def test_of_ways_that_cost_the_same_validation_rows_choose_one_to_be_compared() -> None:
    right = {
        Means.HEAD: np.arange(100) < 70,
        Means.FINE_TUNE: np.arange(100) < 95,
        Means.BRANCH: np.arange(100) < 90,
    }
    contenders = [
        contender(Means.HEAD, 1), contender(Means.FINE_TUNE, 9, 0.3), contender(Means.BRANCH, 9, 0.2),
    ]  # fmt: skip
    said = weigh(contenders, right, 0.05)
    assert [(each.cheaper, each.dearer) for each in said.comparisons] == [(Means.HEAD, Means.BRANCH)]
    assert (said.winner, len(said.contenders)) == (Means.BRANCH, 3)


def test_contenders_are_ordered_by_what_they_cost() -> None:
    right = {means: np.ones(10, dtype=bool) for means in (Means.BRANCH, Means.HEAD)}
    said = weigh([contender(Means.HEAD, 9), contender(Means.BRANCH, 5)], right, 0.05)
    assert [each.means for each in said.contenders] == [Means.BRANCH, Means.HEAD]
    assert said.winner is Means.BRANCH


def test_a_difference_that_is_sure_and_small_is_not_worth_its_price() -> None:
    cheap, dear = np.arange(1000) < 800, np.arange(1000) < 815
    assert compare((Means.HEAD, Means.BRANCH), cheap, dear, 0.05, 0.015).beaten
    said = compare((Means.HEAD, Means.BRANCH), cheap, dear, 0.05, 0.02)
    assert (said.beaten, said.p_value < 0.001) == (False, True)
    right = {Means.HEAD: cheap, Means.BRANCH: dear}
    weighed_ = weigh([contender(means) for means in right], right, 0.05, 0.02)
    assert (weighed_.winner, weighed_.min_effect) == (Means.HEAD, 0.02)


def test_where_nothing_is_beaten_what_is_kept_beats_it_itself() -> None:
    """A branch is three points better than nothing; a head lies in the middle of both."""
    nothing, head, branch = (np.arange(2000) < count for count in (1600, 1630, 1660))
    right = {Means.NOTHING: nothing, Means.HEAD: head, Means.BRANCH: branch}
    said = weigh([contender(means) for means in right], right, 0.05, 0.02)
    assert [each.beaten for each in said.comparisons] == [False, True, False]
    assert said.winner is Means.BRANCH
