"""Which of several combinations joins the frozen answer."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from growlearn.domain.growth import ALONE, Combination
from growlearn.growth.combination import COMBINATIONS, choose_combination
from growlearn.network.model.head_sum import combine

FROZEN, NEW = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])
SMALL, LARGE = Combination(frozen_weight=1.0, step_size=0.1), Combination(frozen_weight=0.1, step_size=0.9)


def answer(combination: Combination) -> Tensor:
    return combine(combination, FROZEN, NEW)


def first_logit(logits: Tensor) -> float:
    return float(logits[0, 0])


def test_the_frozen_answer_enters_every_combination_once() -> None:
    assert len(set(COMBINATIONS)) == len(COMBINATIONS)
    assert ALONE not in COMBINATIONS


def test_the_cheapest_is_chosen() -> None:
    assert choose_combination((SMALL, LARGE), answer, first_logit) == LARGE
    assert choose_combination((SMALL, LARGE), answer, lambda logits: -first_logit(logits)) == SMALL


def test_one_that_is_not_allowed_is_left_out_while_another_is_allowed() -> None:
    def keeps(logits: Tensor) -> bool:
        return first_logit(logits) > 0.5

    assert choose_combination((SMALL, LARGE), answer, first_logit, keeps) == SMALL
    assert choose_combination((SMALL, LARGE), answer, first_logit, lambda _: False) == LARGE


def test_of_equals_the_first_and_never_one_without_a_number() -> None:
    assert choose_combination((LARGE, SMALL), answer, lambda _: 0.0) == LARGE
    costs = iter([math.nan, 3.0])
    assert choose_combination((SMALL, LARGE), answer, lambda _: next(costs)) == LARGE
