"""The kind of drift of a window that matches no labelled task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.schema import InputType
from growlearn.domain.window import Verdict
from growlearn.drift.diagnosis import Diagnosis, diagnose
from growlearn.drift.sample import Sample
from growlearn.drift.task_comparison import compare_with_task
from growlearn.drift.task_data import TaskComparisonData

CONFIG = DriftConfig()


def make_sample(
    seed: int, frequencies: tuple[float, ...], rows: int, sure: float = 3.0, labelled: bool = True
) -> Sample:
    """Rows of three classes with these frequencies, whose outputs prefer their class by `sure` nats."""
    random = np.random.default_rng(seed)
    targets = random.choice(3, rows, p=frequencies)
    logits = random.normal(size=(rows, 3))
    logits[np.arange(rows), targets] += sure
    odds = np.exp(logits)
    return Sample(
        outputs=odds / odds.sum(1, keepdims=True),
        features=logits,
        inputs={"x": random.normal(size=rows)},
        kinds={},
        targets=targets if labelled else np.full(rows, -1),
        classes=("a", "b", "c"),
    )


EVEN, UNEVEN = (1 / 3, 1 / 3, 1 / 3), (0.7, 0.2, 0.1)
REFERENCE = make_sample(0, EVEN, 1500)


def diagnose_window(window: Sample, config: DriftConfig = CONFIG, reference: Sample = REFERENCE) -> Diagnosis:
    sides = TaskComparisonData(task="a", reference_sample=reference, window_sample=window)
    comparison = compare_with_task(sides, config)
    assert comparison.shifted  # only then is there a diagnosis
    return diagnose(sides, comparison, config)


@pytest.mark.parametrize("labelled", [True, False])
def test_label_shift_is_no_new_regime(labelled: bool) -> None:
    diagnosis = diagnose_window(make_sample(1, UNEVEN, 800, labelled=labelled))
    assert (diagnosis.verdict, diagnosis.kind) == (Verdict.WARN, DriftKind.LABEL_SHIFT)
    assert "class a 3" in diagnosis.reason
    assert "-> " in diagnosis.reason


@pytest.mark.parametrize("labelled", [True, False])
def test_covariate_shift_is(labelled: bool) -> None:
    diagnosis = diagnose_window(make_sample(1, EVEN, 800, sure=1.0, labelled=labelled))
    assert (diagnosis.verdict, diagnosis.kind) == (Verdict.DRIFT, DriftKind.COVARIATE_SHIFT)


@pytest.mark.parametrize("labelled", [True, False])
def test_label_shift_does_not_hide_a_covariate_shift(labelled: bool) -> None:
    assert diagnose_window(make_sample(1, UNEVEN, 800, sure=1.0, labelled=labelled)).verdict is Verdict.DRIFT


def test_a_covariate_shift_without_more_errors_is_not_grown_for() -> None:
    diagnosis = diagnose_window(make_sample(1, EVEN, 1500, sure=6.0))
    assert (diagnosis.verdict, diagnosis.kind) == (Verdict.WARN, DriftKind.COVARIATE_SHIFT)
    assert "the inputs changed but not the error rate" in diagnosis.reason


def test_without_labels_a_covariate_shift_needs_growth() -> None:
    assert diagnose_window(make_sample(1, EVEN, 1500, sure=6.0, labelled=False)).verdict is Verdict.DRIFT


def test_broken_data_is_inconclusive() -> None:
    kinds = {"x": InputType.NUMBER}
    window = make_sample(1, EVEN, 800, sure=1.0)
    diagnosis = diagnose_window(
        replace(window, inputs={"x": np.zeros(800)}, kinds=kinds), reference=replace(REFERENCE, kinds=kinds)
    )
    assert (diagnosis.verdict, diagnosis.kind) == (Verdict.INCONCLUSIVE, DriftKind.DATA_QUALITY)
    assert "column 'x' is 0 in every row" in diagnosis.reason


def test_a_class_without_reference_rows_explains_nothing() -> None:
    poor = make_sample(0, (0.5, 0.5, 0.0), 1500)
    assert diagnose_window(make_sample(1, UNEVEN, 800), reference=poor).kind is not DriftKind.LABEL_SHIFT
