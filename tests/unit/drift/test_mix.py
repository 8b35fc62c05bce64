"""Whether another mix of the same labels explains what moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from growlearn.drift.mix import observed_mix, with_mix


def test_the_mix_of_known_labels(make_side: Any) -> None:
    assert observed_mix(make_side(200), 30) == pytest.approx([0.5, 0.5])
    assert observed_mix(make_side(200, labelled=29), 30) is None


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_a_reference_is_given_the_mix_with_as_many_rows_as_there_are(make_side: Any, share: float) -> None:
    reference = make_side(200, x=np.arange(200.0))
    mixed = with_mix(reference, np.array([share, 1 - share]))
    assert observed_mix(mixed, 1) == pytest.approx([share, 1 - share], abs=0.02)
    assert len(mixed.targets) == pytest.approx(100 / max(share, 1 - share), abs=2)
    assert len(np.unique(mixed.inputs["x"])) == len(mixed.targets)  # no row twice
    assert (mixed.inputs["x"] % 2 == mixed.targets).all()  # every column stays with its row


def test_a_class_without_rows_cannot_be_given_a_share(make_side: Any) -> None:
    reference = make_side(200, labelled=1)  # the first class alone
    assert len(with_mix(reference, np.array([0.5, 0.5])).targets) == 0


def test_the_draw_is_the_same_every_time(make_side: Any) -> None:
    reference, shares = make_side(200, x=np.arange(200.0)), np.array([0.3, 0.7])
    assert (with_mix(reference, shares).inputs["x"] == with_mix(reference, shares).inputs["x"]).all()
