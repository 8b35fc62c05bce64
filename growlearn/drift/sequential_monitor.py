"""The sequential monitor of one known task, updated window by window (decision_rule sequential).

Half of the alpha budget monitors the scores of the task's head, the other half the error rate on labelled
rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.domain.drift import EProcess, MonitorState
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.sample import Sample, prediction_errors
from growlearn.drift.sequential.alpha_budget import AlphaBudget
from growlearn.drift.sequential.conformal_martingale import (
    ScoreMonitor,
    make_score_monitor,
    update_with_scores,
)
from growlearn.drift.sequential.risk import RiskMonitor, make_risk_monitor, update_with_losses
from growlearn.drift.sequential.shifted_score import EProcessUpdate

_DIGITS = 6  # of a score: differences between machines are smaller


@dataclass(frozen=True, kw_only=True)
class MonitorUpdate:
    """The updates by one window, and the new state if the window belongs to the task.

    `risk` is None where either side has too few labels.
    """

    scores: EProcessUpdate
    risk: EProcessUpdate | None
    state: MonitorState

    @property
    def shifted(self) -> bool:
        """Whether the scores have shifted from the reference."""
        return self.scores.alarm

    @property
    def degraded(self) -> bool:
        """Whether the error rate has increased."""
        return self.risk is not None and self.risk.alarm


def update_monitor(
    reference: Sample,
    window: Sample,
    state: MonitorState,
    budget: AlphaBudget,
    min_effect_size: float,
    min_error_increase: float,
    delayed_label_sample: Sample | None = None,
    reference_id: str | None = None,
) -> MonitorUpdate:
    """Update a task's monitor with one window and the labels of the `delayed_label_sample` rows.

    An e-process of another reference, budget or set of bets is restarted; `reference_id` names the reference
    and the head before which it stands. Raises Inconclusive where the
    scores of either side cannot be compared.
    """
    monitor = make_score_monitor(
        monitored_scores(reference), monitored_score_names(reference), budget, min_effect_size, reference_id
    )
    scores = _continue_or_restart(monitor, state.scores, monitored_scores(window), update_with_scores)
    losses = (
        zero_one_losses(window)
        if delayed_label_sample is None
        else np.concatenate([zero_one_losses(window), zero_one_losses(delayed_label_sample)])
    )
    risk = _update_risk(reference, losses, state.risk, budget, min_error_increase, reference_id)
    risk_state = state.risk if risk is None else risk.e_process
    new_state = replace(state, scores=scores.e_process, risk=risk_state)
    return MonitorUpdate(scores=scores, risk=risk, state=new_state)


def monitored_scores(sample: Sample) -> npt.NDArray[np.float64]:
    """The scores of each row [N, C + 2]: the head's outputs, the largest, and their entropy in nats."""
    outputs = sample.outputs.astype(np.float64)
    entropy = -(outputs * np.log(outputs.clip(1e-30))).sum(1)
    scores = np.column_stack([outputs, outputs.max(1), entropy])
    return np.asarray(scores.round(_DIGITS))


def monitored_score_names(sample: Sample) -> tuple[str, ...]:
    """The names of those scores, in order."""
    classes = range(sample.outputs.shape[1])
    return (*(f"output of class {sample.label_at(index)}" for index in classes), "largest output", "entropy")


def zero_one_losses(sample: Sample) -> npt.NDArray[np.float64]:
    """1 for a wrong answer, 0 for a right one, NaN where the label is not known: [N]."""
    losses = np.full(len(sample), np.nan)
    losses[sample.targets >= 0] = prediction_errors(sample)
    return losses


def _update_risk(
    reference: Sample,
    losses: npt.NDArray[np.float64],
    previous: EProcess | None,
    budget: AlphaBudget,
    min_error_increase: float,
    reference_id: str | None,
) -> EProcessUpdate | None:
    try:
        monitor = make_risk_monitor(zero_one_losses(reference), budget, min_error_increase, reference_id)
        return _continue_or_restart(monitor, previous, losses, update_with_losses)
    except Inconclusive:
        return None


def _continue_or_restart(
    monitor: ScoreMonitor | RiskMonitor, previous: EProcess | None, values: Any, update: Any
) -> EProcessUpdate:
    start = monitor.initial_e_process()
    is_same_reference = previous is not None and previous.fingerprint == start.fingerprint
    result: EProcessUpdate = update(monitor, previous if is_same_reference else start, values)
    return result
