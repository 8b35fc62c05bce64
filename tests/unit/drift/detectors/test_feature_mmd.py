from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from growlearn.drift.detectors import feature_mmd as module
from growlearn.drift.detectors.feature_mmd import MOST_PERMUTATIONS, feature_mmd
from growlearn.drift.detectors.finding import CannotJudge


def test_the_statistic_is_the_unbiased_estimate(make_sample: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(1, size=(5, 3))
    pooled = np.concatenate([x, y])
    distances = [float(np.sum((a - b) ** 2)) for i, a in enumerate(pooled) for b in pooled[:i]]

    def k(a: Any, b: Any) -> float:
        return math.exp(-float(np.sum((a - b) ** 2)) / (2 * float(np.median(distances))))

    def within(rows: Any) -> float:
        return float(np.mean([k(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]))

    between = np.mean([k(a, b) for a in x for b in y])
    (finding,) = feature_mmd(make_sample(features=x), make_sample(features=y), 0.05)
    assert finding.statistic == pytest.approx(within(x) + within(y) - 2 * between, abs=1e-6)
    assert finding.effect == pytest.approx(math.sqrt(finding.statistic))


def test_a_change_of_spread_alone_is_seen(make_sample: Any) -> None:
    rng = np.random.default_rng(0)
    calm, wild = rng.normal(size=(200, 4)), 2 * rng.normal(size=(200, 4))
    (finding,) = feature_mmd(make_sample(features=calm), make_sample(features=wild), 0.001)
    assert finding.rejected


def test_as_many_permutations_are_drawn_as_alpha_asks_for_and_few_in_calm(
    make_sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    plain = module._mmd2

    def counted(kernel: Any, sides: Any) -> Any:
        drawn.append(len(sides))
        return plain(kernel, sides)

    monkeypatch.setattr(module, "_mmd2", counted)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3, 40, 2))
    (far,) = feature_mmd(make_sample(features=rows[0]), make_sample(features=rows[1] + 5), 0.001)
    assert far.p_value == pytest.approx(1 / 2001)
    assert sum(drawn) == 2001
    drawn.clear()
    (near,) = feature_mmd(make_sample(features=rows[0]), make_sample(features=rows[2]), 0.001)
    assert near.p_value > 0.05
    assert sum(drawn) <= 201


def test_of_many_rows_a_fixed_few_are_compared(make_sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 50)
    monkeypatch.setattr(
        module, "_kernel", lambda rows, plain=module._kernel: plain(rows) if len(rows) == 100 else None
    )
    rng = np.random.default_rng(0)
    (finding,) = feature_mmd(
        make_sample(features=rng.normal(size=(500, 2))),
        make_sample(features=rng.normal(3, size=(90, 2))),
        0.01,
    )
    assert finding.rejected


def test_rows_that_are_mostly_alike_have_a_kernel_too(make_sample: Any) -> None:
    rows = np.zeros((40, 2))
    rows[0] = 1
    (finding,) = feature_mmd(make_sample(features=rows), make_sample(features=rows), 0.05)
    assert finding.p_value == 1


def test_an_alpha_that_no_permutation_test_reaches_is_refused(make_sample: Any) -> None:
    sample = make_sample(features=np.eye(4))
    with pytest.raises(CannotJudge, match=r"more than 20,000 permutations.*drift\.alpha"):
        feature_mmd(sample, sample, 1 / (2 * MOST_PERMUTATIONS))
