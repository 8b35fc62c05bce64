"""How a trained branch joins the frozen answer, chosen on validation rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torch import Tensor

from growlearn.domain.growth import Combination

COMBINATIONS = (
    Combination(frozen_weight=1.0, step_size=0.1),
    Combination(frozen_weight=1.0, step_size=0.3),
    Combination(frozen_weight=1.0, step_size=0.5),
    Combination(frozen_weight=1.0, step_size=1.0),
    Combination(frozen_weight=0.9, step_size=0.15),
    Combination(frozen_weight=0.75, step_size=0.25),
    Combination(frozen_weight=0.5, step_size=0.5),
    Combination(frozen_weight=0.25, step_size=0.75),
    Combination(frozen_weight=0.1, step_size=0.9),
)
"""The (a, s) of a F + s h that a branch may join the frozen answer with."""


def choose_combination(
    combinations: Sequence[Combination],
    answer: Callable[[Combination], Tensor],
    cost: Callable[[Tensor], float],
    is_allowed: Callable[[Tensor], bool] = lambda _: True,
) -> Combination:
    """The combination with the least cost, the first of equals; one whose cost is no number is the worst.

    `answer` gives the logits [N, C] of validation rows by a combination, `cost` what to have least of. Where
    `is_allowed` of any, the others are left out.
    """
    answers = {combination: answer(combination) for combination in combinations}
    allowed = [combination for combination in combinations if is_allowed(answers[combination])]

    def finite_cost(combination: Combination) -> float:
        value = cost(answers[combination])
        return math.inf if math.isnan(value) else value

    return min(allowed or combinations, key=finite_cost)
