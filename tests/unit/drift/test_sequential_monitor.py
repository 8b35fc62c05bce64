"""The sequential monitor of one task, updated window by window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.domain.drift import MonitorState
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.sample import Sample
from growlearn.drift.sequential.alpha_budget import make_lifetime_budget
from growlearn.drift.sequential_monitor import (
    monitored_score_names,
    monitored_scores,
    update_monitor,
    zero_one_losses,
)
from tests.unit.json_column import store_and_read

BUDGET = make_lifetime_budget(0.025)


@pytest.fixture
def side(make_outputs: Any, make_side: Any) -> Any:
    def make(seed: int, lean: float = 0.0, rows: int = 600, wrong: float = 0.1) -> Sample:
        outputs = make_outputs(seed, lean=lean, rows=rows)
        targets = outputs.argmax(1)
        is_wrong = np.random.default_rng(seed).random(rows) < wrong
        sample: Sample = make_side(rows)
        return replace(sample, outputs=outputs, targets=np.where(is_wrong, (targets + 1) % 3, targets))

    return make


def run_windows(side: Any, windows: list[Sample], state: MonitorState = MonitorState()) -> Any:  # noqa: B008 - frozen
    update = None
    for window in windows:
        update = update_monitor(side(0, rows=2000), window, state, BUDGET, 0.02, 0.02)
        state = update.state
    return update


def test_stable_windows_are_no_alarm(side: Any) -> None:
    update = run_windows(side, [side(seed) for seed in range(1, 30)])
    assert not update.shifted
    assert not update.degraded
    assert update.state.scores.num_windows == update.state.risk.num_windows == 29


def test_shifted_scores_are(side: Any) -> None:
    assert run_windows(side, [side(1, lean=2.0)]).shifted


def test_other_labels_degrade_without_a_shift(side: Any) -> None:
    update = run_windows(side, [side(1, wrong=0.5)])
    assert update.degraded
    assert not update.shifted


def test_without_labels_the_risk_is_not_updated(side: Any) -> None:
    unlabelled = replace(side(2), targets=np.full(600, -1))
    first = run_windows(side, [side(1)])
    second = run_windows(side, [unlabelled], first.state)
    assert second.risk is None
    assert not second.degraded
    assert second.state.risk == first.state.risk  # and the state is kept


def test_a_stored_state_continues_bit_for_bit(side: Any) -> None:
    first = run_windows(side, [side(1), side(2)])
    stored = store_and_read(MonitorState, first.state)
    assert stored == first.state
    assert run_windows(side, [side(3)], stored).state == run_windows(side, [side(1), side(2), side(3)]).state


def test_an_e_process_of_another_reference_is_restarted(side: Any) -> None:
    state = run_windows(side, [side(1)]).state
    other = update_monitor(side(7, rows=900), side(2), state, BUDGET, 0.02, 0.02)
    assert other.state.scores is not None
    assert other.state.scores.num_windows == 1


def test_a_reference_that_another_machine_rounds_otherwise_is_the_same_one(side: Any) -> None:
    """What names it decides: of many scores some always lie where a last bit changes their digits."""
    reference, state = side(0, rows=2000), MonitorState()
    noise = 1 + np.random.default_rng(0).normal(size=reference.outputs.shape) * 1e-6
    wrong = reference.targets.copy()
    wrong[0] = (wrong[0] + 1) % 3  # an answer that was nearly a tie
    elsewhere = replace(reference, outputs=reference.outputs * noise, targets=wrong)
    for number, one in enumerate((reference, elsewhere, reference), start=1):
        update = update_monitor(one, side(number), state, BUDGET, 0.02, 0.02, reference_id="rows head")
        state = update.state
        assert state.scores is not None
        assert state.risk is not None
        assert (state.scores.num_windows, state.risk.num_windows) == (number, number)
    other = update_monitor(reference, side(4), state, BUDGET, 0.02, 0.02, reference_id="rows other-head")
    assert other.state.scores is not None
    assert other.state.scores.num_windows == 1


def test_the_monitored_scores_of_a_row(side: Any) -> None:
    sample = replace(
        side(0, rows=2), outputs=np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]), targets=np.array([0, -1])
    )
    assert monitored_score_names(sample) == (
        "output of class 0", "output of class 1", "output of class 2", "largest output", "entropy"
    )  # fmt: skip
    assert monitored_scores(sample) == pytest.approx(
        np.array([[0.5, 0.5, 0, 0.5, 0.693147], [0, 1, 0, 1, 0]]), abs=1e-6
    )
    assert zero_one_losses(sample)[0] == 0
    assert np.isnan(zero_one_losses(sample)[1])


def test_a_small_reference_is_inconclusive(side: Any) -> None:
    with pytest.raises(Inconclusive, match="29 rows"):
        update_monitor(side(0, rows=29), side(1), MonitorState(), BUDGET, 0.02, 0.02)
