"""What every detector in the table must do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from growlearn.domain.schema import InputType
from growlearn.drift.detectors import DETECTORS
from growlearn.drift.detectors.result import Detector, DetectorResult, Inconclusive
from growlearn.drift.sample import Sample
from growlearn.ingest.rows import object_column

ON_ERRORS = ("error-adwin",)  # no error rate, and the order of rows matters
TESTS = [name for name in DETECTORS if name not in ON_ERRORS]
ON_FEATURES = ("mmd", "classifier-two-sample")
ON_OUTPUTS = [name for name in DETECTORS if name not in (*ON_FEATURES, "per-column")]
LEVELS = np.array(list("abcdefghij"), dtype=object)


@pytest.fixture(params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]


@pytest.fixture(params=TESTS)
def rowwise(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]


def sample(seed: int, rows: int = 200, classes: int = 4, lean: float = 0.0) -> Sample:
    """Rows with standard normal logits, the first `lean` higher; one label in ten is not the largest logit.

    The labels do not depend on the lean: a head that leans makes more errors.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, classes))
    drawn = rng.integers(classes, size=rows)
    targets = np.where(rng.random(rows) < 0.1, drawn, logits.argmax(1))
    logits[:, 0] += lean
    odds = np.exp(logits)
    return Sample(
        outputs=(odds / odds.sum(axis=1, keepdims=True)).astype(np.float32),
        features=logits.astype(np.float32),
        inputs={"size": logits[:, 0].copy(), "kind": LEVELS[logits.argmax(1)]},
        kinds={"size": InputType.NUMBER, "kind": InputType.CATEGORY},
        targets=targets.astype(np.int64),
    )


def change_rows(original: Sample, change: Callable[[Any], Any]) -> Sample:
    """The sample with the same change to each of its arrays."""
    return replace(
        original,
        outputs=change(original.outputs),
        features=change(original.features),
        inputs={name: change(column) for name, column in original.inputs.items()},
        targets=change(original.targets),
    )


def without_values(original: Sample) -> Sample:
    """As many rows with only missing values."""
    num_rows = len(original)
    return replace(
        original,
        outputs=np.full_like(original.outputs, np.nan),
        features=np.full_like(original.features, np.nan),
        inputs={"size": np.full(num_rows, np.nan), "kind": object_column([None] * num_rows)},
        targets=np.full_like(original.targets, -1),
    )


def run_detector(
    detector: Detector, reference: Sample, query: Sample, alpha: float
) -> tuple[DetectorResult, ...] | str:
    """The results, or the reason why there are none."""
    try:
        return detector(reference, query, alpha)
    except Inconclusive as reason:
        return str(reason)


def has_alarm(detector: Detector, reference: Sample, query: Sample, alpha: float) -> bool:
    return any(result.rejected for result in detector(reference, query, alpha))


def test_a_window_equal_to_the_reference_never_alarms(detector: Detector) -> None:
    for seed in range(8):
        assert not has_alarm(detector, sample(seed), sample(seed), 1e-4)


def test_a_window_far_from_the_reference_always_alarms(detector: Detector) -> None:
    for seed in range(8):
        assert has_alarm(detector, sample(seed), sample(seed + 100, lean=4.0), 1e-3)


@pytest.mark.parametrize(("classes", "reference_rows", "rows"), [(2, 30, 30), (10, 200, 30), (10, 60, 400)])
def test_false_alarms_stay_within_alpha(
    rowwise: Detector, classes: int, reference_rows: int, rows: int
) -> None:
    alpha, rounds, false_alarms = 0.05, 100, 0
    for k in range(rounds):
        outcome = run_detector(
            rowwise, sample(2 * k, reference_rows, classes), sample(2 * k + 1, rows, classes), alpha
        )
        if isinstance(outcome, str):  # only from a test that needs several labelled rows of each class
            assert "label-shift needs" in outcome
        else:
            false_alarms += any(result.rejected for result in outcome)
    # With the true rate at alpha, more than this has a probability of 1 in 10,000.
    assert false_alarms <= binom.ppf(1 - 1e-4, rounds, alpha)


def test_the_order_of_rows_does_not_matter(rowwise: Detector) -> None:
    reference, query = sample(0, rows=2500), sample(1, rows=2500, lean=0.1)
    results = rowwise(reference, query, 0.05)
    reversed_results = rowwise(
        change_rows(reference, lambda rows: rows[::-1]), change_rows(query, lambda rows: rows[::-1]), 0.05
    )
    assert [f.p_value for f in reversed_results] == pytest.approx([f.p_value for f in results])
    assert [f.effect for f in reversed_results] == pytest.approx([f.effect for f in results])


@pytest.mark.parametrize("name", DETECTORS)
def test_results_are_plain_and_finite(name: str) -> None:
    results = DETECTORS[name](sample(0), replace(sample(1), window_number=3), 0.05)
    for result in results:
        values = (result.statistic, result.p_value, result.threshold, result.effect)
        assert [type(value) for value in values] == [float] * 4
        assert np.isfinite(values).all()
        assert 0 <= result.p_value <= 1
        assert 0 < result.threshold <= 0.05
    names = [result.name for result in results]
    assert names
    assert all(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", DETECTORS)
def test_an_effect_is_near_zero_without_drift_and_large_with_it(name: str) -> None:
    def max_effect(query: Sample) -> float:
        return max(abs(result.effect) for result in DETECTORS[name](sample(0, rows=1000), query, 0.05))

    assert max_effect(sample(1, rows=1000)) < 0.1
    assert max_effect(sample(1, rows=1000, lean=4.0)) > 0.4


@pytest.mark.parametrize("name", DETECTORS)
def test_an_effect_does_not_grow_with_the_number_of_rows(name: str) -> None:
    few, many = (
        max(
            abs(result.effect) for result in DETECTORS[name](sample(0, rows), sample(1, rows, lean=1.5), 0.05)
        )
        for rows in (500, 2000)
    )
    assert many < 1.5 * few


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["reference", "window"])
@pytest.mark.parametrize(
    ("name", "values"), [(n, "outputs") for n in ON_OUTPUTS] + [(n, "features") for n in ON_FEATURES]
)
def test_values_that_are_not_finite_are_inconclusive(name: str, values: str, side: str, value: float) -> None:
    reference, query = sample(0), sample(1)
    getattr(reference if side == "reference" else query, values)[3, 2] = value
    with pytest.raises(Inconclusive, match=f"{values} on 1 of 200 {side} rows are not finite"):
        DETECTORS[name](reference, query, 0.05)


def test_a_constant_reference_is_inconclusive(detector: Detector) -> None:
    with pytest.raises(Inconclusive, match=r"the same (outputs|features)|has two values"):
        detector(change_rows(sample(0), lambda rows: rows[[0] * 50]), sample(1), 0.05)


def test_a_constant_window_is_an_alarm(rowwise: Detector) -> None:
    assert has_alarm(rowwise, sample(0), change_rows(sample(1), lambda rows: rows[[0] * 50]), 1e-3)


def test_a_reference_without_values_is_inconclusive(detector: Detector) -> None:
    with pytest.raises(Inconclusive, match=r"not finite|has two values"):
        detector(without_values(sample(0)), sample(1), 0.05)


def test_a_window_without_values_never_passes(detector: Detector) -> None:
    outcome = run_detector(detector, sample(0), without_values(sample(1)), 0.05)
    if isinstance(outcome, str):
        assert "not finite" in outcome
    else:
        assert any(result.rejected for result in outcome)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(("reference_rows", "rows"), [(0, 5), (5, 0)])
def test_no_rows_are_inconclusive(name: str, reference_rows: int, rows: int) -> None:
    with pytest.raises(Inconclusive, match="no rows"):
        DETECTORS[name](sample(0, reference_rows), sample(1, rows), 0.05)


@pytest.mark.parametrize(("reference_rows", "rows"), [(1, 1), (1, 200), (200, 1), (2, 2), (3, 7), (5, 4)])
def test_very_few_rows_give_a_result_or_a_reason(detector: Detector, reference_rows: int, rows: int) -> None:
    outcome = run_detector(detector, sample(0, reference_rows), sample(1, rows), 0.05)
    assert outcome
    if not isinstance(outcome, str):
        assert reference_rows > 1
        assert all(0 <= result.p_value <= 1 for result in outcome)


@pytest.mark.parametrize("name", ON_ERRORS)
def test_a_window_without_labels_is_inconclusive_for_error_detectors(name: str) -> None:
    unlabelled = replace(sample(1), targets=np.full(200, -1))
    with pytest.raises(Inconclusive, match="no row of the window has a label"):
        DETECTORS[name](sample(0), unlabelled, 0.05)
