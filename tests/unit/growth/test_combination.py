"""Which frozen answer a trained branch joins, and by which combination."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from growlearn.domain.growth import ALONE, Combination, GrowthPlan, Refinement
from growlearn.domain.metric import MetricName
from growlearn.growth.combination import COMBINATIONS, choose_option

SMALL, LARGE = Combination(frozen_weight=1.0, step_size=0.1), Combination(frozen_weight=0.1, step_size=0.9)
TARGETS = torch.tensor([0, 1] * 20)
RIGHT = torch.nn.functional.one_hot(TARGETS).float() * 4  # sure of every row, and right
WRONG = RIGHT.flip(1)
UNKNOWING = torch.zeros_like(RIGHT)


@pytest.fixture
def plan(builder: Any) -> GrowthPlan:
    made: GrowthPlan = builder.plan(builder.only(0, 1))
    return replace(made, combinations=(SMALL, LARGE))


def test_the_frozen_answer_enters_every_combination_once() -> None:
    assert len(set(COMBINATIONS)) == len(COMBINATIONS)
    assert ALONE not in COMBINATIONS


@pytest.mark.parametrize(
    ("answers", "new", "expected"),
    [
        ([WRONG], RIGHT, (0, LARGE)),
        ([RIGHT], WRONG, (0, SMALL)),
        ([WRONG, UNKNOWING, RIGHT], UNKNOWING, (2, SMALL)),
        ([RIGHT * math.nan, UNKNOWING], RIGHT, (1, LARGE)),
        ([UNKNOWING, UNKNOWING], UNKNOWING, (0, SMALL)),
    ],
    ids=[
        "a better branch",
        "a worse branch",
        "the better answer",
        "never one without a number",
        "of equals the first",
    ],
)
def test_the_option_with_the_least_loss_is_chosen(
    plan: GrowthPlan, answers: list[torch.Tensor], new: torch.Tensor, expected: tuple[int, Combination]
) -> None:
    assert choose_option(plan, answers, new, answers[-1], TARGETS) == expected


@pytest.mark.parametrize(("guarded", "chosen"), [(0, LARGE), (10, SMALL)])
def test_a_refinement_leaves_out_what_earlier_rows_lose_by(
    plan: GrowthPlan, guarded: int, chosen: Combination
) -> None:
    """The answer knows the 10 earlier rows and none of the 30 new ones, the branch the reverse."""
    before = torch.cat([RIGHT[:10], UNKNOWING[10:]])
    new = torch.cat([RIGHT[:10] / 20, RIGHT[10:]])
    refinement = Refinement(
        windows=("w2",), new_rows=30, earlier_holdout="", new_holdout=None, reason="", guarded_rows=guarded
    )
    plan = replace(plan, refinement=refinement)
    assert choose_option(plan, [before], new, before, TARGETS) == (0, chosen)


def test_where_every_option_costs_earlier_rows_the_least_loss_decides(plan: GrowthPlan) -> None:
    refinement = Refinement(
        windows=("w2",), new_rows=30, earlier_holdout="", new_holdout=None, reason="", guarded_rows=10
    )
    new = torch.cat([WRONG[:10], RIGHT[10:]])
    before = torch.cat([RIGHT[:10], UNKNOWING[10:]])
    chosen = choose_option(replace(plan, refinement=refinement), [WRONG], new, before, TARGETS)
    assert chosen == (0, LARGE)


def test_of_options_chosen_by_another_metric_one_that_lowers_the_loss_is_taken(plan: GrowthPlan) -> None:
    """The branch ranks every row right and expects far too many of the second class; the answer too few."""
    is_second = TARGETS * 2.0 - 1.0
    margin = is_second.clone()
    margin[:4] *= -1.0  # the answer is wrong about four rows
    before = torch.stack([torch.zeros(40), 2 * margin - 0.6], dim=1)
    new = torch.stack([torch.zeros(40), is_second + 6.0], dim=1)
    plan = replace(plan, metric=MetricName.AVERAGE_PRECISION, positive_class=plan.classes[1])
    assert choose_option(plan, [before], new, before, TARGETS) == (0, SMALL)
    assert choose_option(replace(plan, combinations=(LARGE,)), [before], new, before, TARGETS) == (0, LARGE)
