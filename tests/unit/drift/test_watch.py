"""Evidence against one task, carried from window to window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.evidence.budget import for_life
from growlearn.drift.sample import Sample
from growlearn.drift.watch import Carried, losses_of, names_of, scores_of, watch

BUDGET = for_life(0.025)


@pytest.fixture
def side(make_outputs: Any, make_side: Any) -> Any:
    def make(seed: int, lean: float = 0.0, rows: int = 600, wrong: float = 0.1) -> Sample:
        outputs = make_outputs(seed, lean=lean, rows=rows)
        targets = outputs.argmax(1)
        errs = np.random.default_rng(seed).random(rows) < wrong
        made: Sample = make_side(rows)
        return replace(made, outputs=outputs, targets=np.where(errs, (targets + 1) % 3, targets))

    return make


def after(side: Any, windows: list[Sample], carried: Carried = Carried()) -> Any:  # noqa: B008 - frozen
    watched = None
    for window in windows:
        watched = watch(side(0, rows=2000), window, carried, BUDGET, 0.02, 0.02)
        carried = watched.carried
    return watched


def test_stable_windows_are_no_alarm(side: Any) -> None:
    watched = after(side, [side(seed) for seed in range(1, 30)])
    assert not watched.moved
    assert not watched.harmed
    assert watched.carried.scores.windows == watched.carried.risk.windows == 29


def test_moved_scores_are(side: Any) -> None:
    assert after(side, [side(1, lean=2.0)]).moved


def test_other_labels_harm_without_a_move(side: Any) -> None:
    watched = after(side, [side(1, wrong=0.5)])
    assert watched.harmed
    assert not watched.moved


def test_without_labels_nothing_is_said_of_harm(side: Any) -> None:
    blind = replace(side(2), targets=np.full(600, -1))
    first = after(side, [side(1)])
    second = after(side, [blind], first.carried)
    assert second.risk is None
    assert not second.harmed
    assert second.carried.risk == first.carried.risk  # and nothing is forgotten


def test_what_is_stored_goes_on_to_the_last_bit(side: Any) -> None:
    first = after(side, [side(1), side(2)])
    stored = Carried.from_json(first.carried.to_json())
    assert stored == first.carried
    assert after(side, [side(3)], stored).carried == after(side, [side(1), side(2), side(3)]).carried


def test_evidence_against_another_reference_is_started_anew(side: Any) -> None:
    carried = after(side, [side(1)]).carried
    other = watch(side(7, rows=900), side(2), carried, BUDGET, 0.02, 0.02)
    assert other.carried.scores is not None
    assert other.carried.scores.windows == 1


def test_what_is_watched_of_a_row(side: Any) -> None:
    sample = replace(
        side(0, rows=2), outputs=np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]), targets=np.array([0, -1])
    )
    assert names_of(sample) == (
        "output of class 0", "output of class 1", "output of class 2", "largest output", "entropy"
    )  # fmt: skip
    assert scores_of(sample) == pytest.approx(
        np.array([[0.5, 0.5, 0, 0.5, 0.693147], [0, 1, 0, 1, 0]]), abs=1e-6
    )
    assert losses_of(sample)[0] == 0
    assert np.isnan(losses_of(sample)[1])


def test_a_small_reference_says_nothing(side: Any) -> None:
    with pytest.raises(CannotJudge, match="29 rows"):
        watch(side(0, rows=29), side(1), Carried(), BUDGET, 0.02, 0.02)
