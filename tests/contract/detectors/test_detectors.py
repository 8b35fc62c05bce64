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
from growlearn.drift.detectors.finding import CannotJudge, Detector, Finding
from growlearn.drift.sample import Sample
from growlearn.ingest.rows import object_column

BASELINES = ("never", "periodic")  # they look at no row
ON_ERRORS = (
    "error-adwin",
    "error-page-hinkley",
    "error-kswin",
)  # no error rate, and the order of rows is theirs
TESTS = [name for name in DETECTORS if name not in (*BASELINES, *ON_ERRORS)]
ALL_BUT_BASELINES = [*TESTS, *ON_ERRORS]
ON_FEATURES = ("feature-mmd", "classifier")
ON_OUTPUTS = [name for name in ALL_BUT_BASELINES if name not in (*ON_FEATURES, "columns")]
MEASURING = [*TESTS, "error-adwin"]  # the others on errors measure as it does, one a hundred times slower
LEVELS = np.array(list("abcdefghij"), dtype=object)


@pytest.fixture(params=ALL_BUT_BASELINES)
def detector(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]


@pytest.fixture(params=TESTS)
def rowwise(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]


def sample(seed: int, rows: int = 200, classes: int = 4, lean: float = 0.0) -> Sample:
    """Rows whose logits are standard normal, the first `lean` higher; one label in ten is not their largest.

    The rows' labels do not know of the lean: a head that leans errs more.
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


def each(of: Sample, change: Callable[[Any], Any]) -> Sample:
    """The sample with every one of its arrays changed alike."""
    return replace(
        of,
        outputs=change(of.outputs),
        features=change(of.features),
        inputs={name: change(column) for name, column in of.inputs.items()},
        targets=change(of.targets),
    )


def missing(of: Sample) -> Sample:
    """As many rows of which nothing is known."""
    return replace(
        of,
        outputs=np.full_like(of.outputs, np.nan),
        features=np.full_like(of.features, np.nan),
        inputs={"size": np.full(len(of), np.nan), "kind": object_column([None] * len(of))},
        targets=np.full_like(of.targets, -1),
    )


def judged(detector: Detector, reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...] | str:
    """The findings, or the reason why there are none."""
    try:
        return detector(reference, query, alpha)
    except CannotJudge as reason:
        return str(reason)


def alarms(detector: Detector, reference: Sample, query: Sample, alpha: float) -> bool:
    return any(finding.rejected for finding in detector(reference, query, alpha))


def test_a_window_equal_to_the_reference_never_alarms(detector: Detector) -> None:
    for seed in range(8):
        assert not alarms(detector, sample(seed), sample(seed), 1e-4)


def test_a_window_far_from_the_reference_always_alarms(detector: Detector) -> None:
    for seed in range(8):
        assert alarms(detector, sample(seed), sample(seed + 100, lean=4.0), 1e-3)


@pytest.mark.parametrize(
    ("classes", "reference_rows", "rows"), [(2, 30, 30), (2, 60, 400), (10, 200, 30), (10, 60, 400)]
)
def test_false_alarms_stay_within_alpha(
    rowwise: Detector, classes: int, reference_rows: int, rows: int
) -> None:
    alpha, rounds, false = 0.05, 150, 0
    for k in range(rounds):
        found = judged(
            rowwise, sample(2 * k, reference_rows, classes), sample(2 * k + 1, rows, classes), alpha
        )
        if isinstance(found, str):  # only from a test that wants several labelled rows of each class
            assert "label-shift needs" in found
        else:
            false += any(finding.rejected for finding in found)
    # With the true rate at alpha, more than this has a chance of 1 in 10,000.
    assert false <= binom.ppf(1 - 1e-4, rounds, alpha)


def test_the_order_of_rows_does_not_matter(rowwise: Detector) -> None:
    reference, query = sample(0, rows=2500), sample(1, rows=2500, lean=0.1)
    findings = rowwise(reference, query, 0.05)
    turned = rowwise(each(reference, lambda rows: rows[::-1]), each(query, lambda rows: rows[::-1]), 0.05)
    assert [f.p_value for f in turned] == pytest.approx([f.p_value for f in findings])
    assert [f.effect for f in turned] == pytest.approx([f.effect for f in findings])


@pytest.mark.parametrize("name", DETECTORS)
def test_findings_are_plain_and_finite(name: str) -> None:
    findings = DETECTORS[name](sample(0), replace(sample(1), number=3), 0.05)
    for finding in findings:
        figures = (finding.statistic, finding.p_value, finding.threshold, finding.effect)
        assert [type(figure) for figure in figures] == [float] * 4
        assert np.isfinite(figures).all()
        assert 0 <= finding.p_value <= 1
        assert 0 < finding.threshold <= 0.05
    names = [finding.name for finding in findings]
    assert names
    assert all(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", MEASURING)
def test_an_effect_is_near_nothing_without_drift_and_large_with_it(name: str) -> None:
    def largest(query: Sample) -> float:
        return max(abs(finding.effect) for finding in DETECTORS[name](sample(0, rows=1000), query, 0.05))

    assert largest(sample(1, rows=1000)) < 0.1
    assert largest(sample(1, rows=1000, lean=4.0)) > 0.4


@pytest.mark.parametrize("name", MEASURING)
def test_an_effect_does_not_grow_with_the_number_of_rows(name: str) -> None:
    few, many = (
        max(
            abs(finding.effect)
            for finding in DETECTORS[name](sample(0, rows), sample(1, rows, lean=1.5), 0.05)
        )
        for rows in (500, 2000)
    )
    assert many < 1.5 * few


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["reference", "window"])
@pytest.mark.parametrize(
    ("name", "what"), [(n, "outputs") for n in ON_OUTPUTS] + [(n, "features") for n in ON_FEATURES]
)
def test_figures_that_are_not_finite_are_refused(name: str, what: str, side: str, value: float) -> None:
    reference, query = sample(0), sample(1)
    getattr(reference if side == "reference" else query, what)[3, 2] = value
    with pytest.raises(CannotJudge, match=f"{what} on 1 of 200 {side} rows are not finite"):
        DETECTORS[name](reference, query, 0.05)


def test_a_constant_reference_is_refused(detector: Detector) -> None:
    with pytest.raises(CannotJudge, match=r"the same (outputs|features)|has two values"):
        detector(each(sample(0), lambda rows: rows[[0] * 50]), sample(1), 0.05)


def test_a_constant_window_is_an_alarm(rowwise: Detector) -> None:
    assert alarms(rowwise, sample(0), each(sample(1), lambda rows: rows[[0] * 50]), 1e-3)


def test_a_reference_of_which_nothing_is_known_is_refused(detector: Detector) -> None:
    with pytest.raises(CannotJudge, match=r"not finite|has two values"):
        detector(missing(sample(0)), sample(1), 0.05)


def test_a_window_of_which_nothing_is_known_is_never_passed(detector: Detector) -> None:
    found = judged(detector, sample(0), missing(sample(1)), 0.05)
    if isinstance(found, str):
        assert "not finite" in found
    else:
        assert any(finding.rejected for finding in found)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(("reference_rows", "rows"), [(0, 5), (5, 0)])
def test_no_rows_are_refused(name: str, reference_rows: int, rows: int) -> None:
    with pytest.raises(CannotJudge, match="no rows"):
        DETECTORS[name](sample(0, reference_rows), sample(1, rows), 0.05)


@pytest.mark.parametrize(("reference_rows", "rows"), [(1, 1), (1, 200), (200, 1), (2, 2), (3, 7), (5, 4)])
def test_hardly_any_rows_give_a_finding_or_a_reason(
    detector: Detector, reference_rows: int, rows: int
) -> None:
    found = judged(detector, sample(0, reference_rows), sample(1, rows), 0.05)
    assert found
    if not isinstance(found, str):
        assert reference_rows > 1
        assert all(0 <= finding.p_value <= 1 for finding in found)


@pytest.mark.parametrize("name", ON_ERRORS)
def test_a_window_without_labels_has_no_errors_to_watch(name: str) -> None:
    unlabelled = replace(sample(1), targets=np.full(200, -1))
    with pytest.raises(CannotJudge, match="no row of the window has a label"):
        DETECTORS[name](sample(0), unlabelled, 0.05)


def test_the_baselines_alarm_never_and_every_tenth_window() -> None:
    def alarming(name: str) -> list[int]:
        windows = [replace(sample(1, lean=4.0), number=number) for number in range(1, 31)]
        return [w.number or 0 for w in windows if alarms(DETECTORS[name], sample(0), w, 0.05)]

    assert alarming("never") == []
    assert alarming("periodic") == [10, 20, 30]
    with pytest.raises(CannotJudge, match="no number"):
        DETECTORS["periodic"](sample(0), sample(1), 0.05)
