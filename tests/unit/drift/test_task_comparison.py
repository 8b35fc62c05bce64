from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.errors import NotFound
from growlearn.drift import task_comparison as compare_module
from growlearn.drift.detectors import DETECTORS
from growlearn.drift.task_comparison import compare_with_task, get_detector


def test_alpha_is_split_among_outputs(make_reference: Any) -> None:
    comparison = compare_with_task(make_reference("a", 0.0), DriftConfig(alpha=0.06))
    assert [score.threshold for score in comparison.scores] == pytest.approx([0.02] * 3)


def test_alpha_is_split_among_detectors_too(make_reference: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = {**DETECTORS, "again": DETECTORS["output-ks"]}
    monkeypatch.setattr(compare_module, "DETECTORS", twice)
    comparison = compare_with_task(
        make_reference("a", 0.0), DriftConfig(alpha=0.06, detectors=("output-ks", "again"))
    )
    assert [score.threshold for score in comparison.scores] == pytest.approx([0.01] * 6)
    assert [score.detector for score in comparison.scores] == ["output-ks"] * 3 + ["again"] * 3


def test_a_detector_named_twice_is_one_test(make_reference: Any) -> None:
    once, twice = (
        compare_with_task(make_reference("a", 0.0), DriftConfig(detectors=names))
        for names in (("output-ks",), ("output-ks", "output-ks"))
    )
    assert once == twice


def test_the_corrected_p_value_agrees_with_the_thresholds(make_reference: Any) -> None:
    config = DriftConfig(alpha=0.05)
    for tenth in range(12):
        comparison = compare_with_task(make_reference("a", tenth / 10, seed=tenth), config)
        assert comparison.shifted == (comparison.p_value < config.alpha)
        smallest = min(score.p_value for score in comparison.scores)
        assert comparison.p_value == pytest.approx(min(1.0, 3 * smallest))


def test_a_misspelt_detector_raises_with_the_most_similar() -> None:
    with pytest.raises(NotFound, match=r"'output-kss' \(did you mean 'output-ks'\?\)"):
        get_detector("output-kss")


def test_an_unknown_detector_raises_with_the_list() -> None:
    with pytest.raises(NotFound, match="known detectors: output-ks"):
        get_detector("zzz")
