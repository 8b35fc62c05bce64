from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.errors import UnknownName
from growlearn.drift import compare as compare_module
from growlearn.drift.compare import compare, detector
from growlearn.drift.detectors import DETECTORS


def test_alpha_is_split_among_outputs(make_reference: Any) -> None:
    comparison = compare(make_reference("a", 0.0), DriftSpec(alpha=0.06))
    assert [score.threshold for score in comparison.scores] == pytest.approx([0.02] * 3)


def test_alpha_is_split_among_detectors_too(make_reference: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = {**DETECTORS, "again": DETECTORS["output-ks"]}
    monkeypatch.setattr(compare_module, "DETECTORS", twice)
    comparison = compare(make_reference("a", 0.0), DriftSpec(alpha=0.06, detectors=("output-ks", "again")))
    assert [score.threshold for score in comparison.scores] == pytest.approx([0.01] * 6)
    assert [score.detector for score in comparison.scores] == ["output-ks"] * 3 + ["again"] * 3


def test_a_detector_named_twice_is_one_test(make_reference: Any) -> None:
    once, twice = (
        compare(make_reference("a", 0.0), DriftSpec(detectors=names))
        for names in (("output-ks",), ("output-ks", "output-ks"))
    )
    assert once == twice


def test_the_corrected_p_value_says_what_the_thresholds_say(make_reference: Any) -> None:
    spec = DriftSpec(alpha=0.05)
    for tenth in range(12):
        comparison = compare(make_reference("a", tenth / 10, seed=tenth), spec)
        assert comparison.rejected == (comparison.p_value < spec.alpha)
        smallest = min(score.p_value for score in comparison.scores)
        assert comparison.p_value == pytest.approx(min(1.0, 3 * smallest))


def test_a_misspelt_detector_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'output-kss' \(did you mean 'output-ks'\?\)"):
        detector("output-kss")


def test_an_unknown_detector_is_answered_with_the_list() -> None:
    with pytest.raises(UnknownName, match="known detectors: output-ks"):
        detector("zzz")
