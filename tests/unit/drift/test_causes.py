"""What kind of change a window shows that is unlike every known task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.schema import InputType
from growlearn.domain.window import Verdict
from growlearn.drift.causes import Cause, cause_of
from growlearn.drift.compare import compare
from growlearn.drift.reference import Reference
from growlearn.drift.sample import Sample

SPEC = DriftSpec()


def answered(
    seed: int, shares: tuple[float, ...], rows: int, sure: float = 3.0, known: bool = True
) -> Sample:
    """Rows of three classes in this mix, whose outputs lean to their class by `sure` nats."""
    random = np.random.default_rng(seed)
    targets = random.choice(3, rows, p=shares)
    logits = random.normal(size=(rows, 3))
    logits[np.arange(rows), targets] += sure
    odds = np.exp(logits)
    return Sample(
        outputs=odds / odds.sum(1, keepdims=True),
        features=logits,
        inputs={"x": random.normal(size=rows)},
        kinds={},
        targets=targets if known else np.full(rows, -1),
        classes=("a", "b", "c"),
    )


EVEN, UNEVEN = (1 / 3, 1 / 3, 1 / 3), (0.7, 0.2, 0.1)
THERE = answered(0, EVEN, 1500)


def cause(window: Sample, spec: DriftSpec = SPEC, reference: Sample = THERE) -> Cause:
    sides = Reference(task="a", reference=reference, window=window)
    comparison = compare(sides, spec)
    assert comparison.rejected  # the question is asked only then
    return cause_of(sides, comparison, spec)


@pytest.mark.parametrize("known", [True, False])
def test_another_mix_of_labels_is_no_new_regime(known: bool) -> None:
    found = cause(answered(1, UNEVEN, 800, known=known))
    assert (found.verdict, found.kind) == (Verdict.WARN, DriftKind.LABEL_MIX)
    assert "class a 3" in found.reason
    assert "-> " in found.reason


@pytest.mark.parametrize("known", [True, False])
def test_rows_that_look_other_are(known: bool) -> None:
    found = cause(answered(1, EVEN, 800, sure=1.0, known=known))
    assert (found.verdict, found.kind) == (Verdict.DRIFT, DriftKind.INPUTS)


@pytest.mark.parametrize("known", [True, False])
def test_another_mix_does_not_hide_a_change(known: bool) -> None:
    assert cause(answered(1, UNEVEN, 800, sure=1.0, known=known)).verdict is Verdict.DRIFT


def test_a_move_that_labels_show_to_be_harmless_is_not_grown_for() -> None:
    found = cause(answered(1, EVEN, 1500, sure=6.0))
    assert (found.verdict, found.kind) == (Verdict.WARN, DriftKind.INPUTS)
    assert "harm nothing" in found.reason


def test_without_labels_a_move_may_harm() -> None:
    assert cause(answered(1, EVEN, 1500, sure=6.0, known=False)).verdict is Verdict.DRIFT


def test_broken_data_is_nothing_to_learn_from() -> None:
    kinds = {"x": InputType.NUMBER}
    window = answered(1, EVEN, 800, sure=1.0)
    found = cause(
        replace(window, inputs={"x": np.zeros(800)}, kinds=kinds), reference=replace(THERE, kinds=kinds)
    )
    assert (found.verdict, found.kind) == (Verdict.CANNOT_JUDGE, DriftKind.BROKEN)
    assert "column 'x' is 0 in every row" in found.reason


def test_a_class_without_reference_rows_explains_nothing() -> None:
    poor = answered(0, (0.5, 0.5, 0.0), 1500)
    assert cause(answered(1, UNEVEN, 800), reference=poor).kind is not DriftKind.LABEL_MIX
