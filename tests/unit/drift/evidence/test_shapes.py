from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from growlearn.drift.evidence.shapes import SHAPES, VALUES, VARIATION, bins_of, ceilings


@pytest.mark.parametrize(("rows", "chance"), [(30, 0.2), (100, 0.02), (333, 0.1)])
def test_chances_of_places_exceed_a_ceiling_no_more_often_than_said(rows: int, chance: float) -> None:
    draws = np.random.default_rng(0).dirichlet(np.ones(rows + 1), 20_000)
    share = (draws @ bins_of(rows + 1).T >= ceilings(rows, chance, 0)).mean(0)
    assert (share <= chance).all()
    assert (share >= chance / 30).all()  # and it is no trivial bound


def test_the_ceiling_of_a_tail_lies_a_little_above_the_exact_quantile() -> None:
    rows, chance = 2000, 3e-4
    inside = bins_of(rows + 1).sum(1)
    at = list(SHAPES).index("above its upper twentieth")
    exact = beta.ppf(1 - chance, inside[at], rows + 1 - inside[at])
    assert exact < ceilings(rows, chance, 0)[at] < 1.1 * exact


def test_ceilings_fall_with_rows_and_rise_with_certainty_and_effect() -> None:
    assert (ceilings(500, 0.01, 0) > ceilings(2000, 0.01, 0)).all()
    assert (ceilings(500, 0.001, 0) > ceilings(500, 0.01, 0)).all()
    assert ceilings(500, 0.01, 0.1) - ceilings(500, 0.01, 0) == pytest.approx(0.1 * VARIATION)


def test_shapes_lie_between_0_and_1_and_vary_by_2_at_most() -> None:
    assert VALUES.min() >= 0
    assert VALUES.max() <= 1
    assert VARIATION.max() <= 2
