from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.detectors.label_shift import estimated_mix, label_shift

RIGHT = 0.7  # of the answers; the others are spread evenly


def answering(make_sample: Any, seed: int, mix: list[float], rows: int = 5000, right: float = RIGHT) -> Any:
    """Rows of this mix of labels, and a head that is right about so many of them."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(len(mix), size=rows, p=mix)
    answers = np.where(rng.random(rows) < right, targets, rng.integers(len(mix), size=rows))
    return make_sample(outputs=np.eye(len(mix))[answers], targets=targets)


def test_the_mix_is_found_through_a_head_that_errs(make_sample: Any) -> None:
    reference = answering(make_sample, 0, [0.2, 0.3, 0.5])
    query = answering(make_sample, 1, [0.6, 0.1, 0.3])
    assert estimated_mix(reference, query) == pytest.approx([0.6, 0.1, 0.3], abs=0.03)
    (finding,) = label_shift(reference, query, 0.001)
    assert finding.rejected
    assert finding.effect == pytest.approx(0.4, abs=0.03)  # what class 0 gained


def test_a_head_that_never_errs_is_counted(make_sample: Any) -> None:
    reference = answering(make_sample, 0, [0.5, 0.5], rows=100, right=1)
    query = make_sample(outputs=np.eye(2)[[0, 0, 0, 1]], targets=[-1] * 4)
    assert estimated_mix(reference, query).tolist() == [0.75, 0.25]


def test_shares_are_shares_even_where_the_solution_is_negative(make_sample: Any) -> None:
    reference = answering(make_sample, 0, [0.5, 0.5])
    query = make_sample(outputs=np.eye(2)[[0] * 50])
    assert estimated_mix(reference, query).tolist() == [1, 0]


def test_a_class_with_few_labelled_rows_is_refused_by_name(make_sample: Any) -> None:
    outputs = np.eye(2)[[0] * 50 + [1] * 50]
    reference = make_sample(outputs=outputs, targets=[0] * 50 + [1] * 4 + [-1] * 46, classes=("a", "b"))
    with pytest.raises(CannotJudge, match="4 labelled rows of class b; label-shift needs 5"):
        label_shift(reference, reference, 0.05)


def test_answers_that_do_not_depend_on_the_label_are_refused(make_sample: Any) -> None:
    reference = answering(make_sample, 0, [0.5, 0.5], right=0.02)
    with pytest.raises(CannotJudge, match="for each other too often"):
        label_shift(reference, reference, 0.05)
