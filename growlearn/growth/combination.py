"""How a trained branch joins the frozen answer, chosen on validation rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from growlearn.domain.growth import Combination, GrowthPlan
from growlearn.domain.metric import METRICS
from growlearn.growth.calibration import CalibratedHead, calibrate_plan, measure_calibrated_loss
from growlearn.growth.validation_score import ValidationScore
from growlearn.network.model.head_sum import combine

COMBINATIONS = (
    Combination(frozen_weight=1.0, step_size=0.1),
    Combination(frozen_weight=1.0, step_size=0.3),
    Combination(frozen_weight=1.0, step_size=0.5),
    Combination(frozen_weight=1.0, step_size=1.0),
    Combination(frozen_weight=0.9, step_size=0.15),
    Combination(frozen_weight=0.75, step_size=0.25),
    Combination(frozen_weight=0.5, step_size=0.5),
    Combination(frozen_weight=0.25, step_size=0.75),
    Combination(frozen_weight=0.1, step_size=0.9),
    Combination(frozen_weight=0.03, step_size=0.97),
)
"""The (a, s) of a F + s h that a branch may join the frozen answer with."""


def choose_option(
    plan: GrowthPlan, answers: Sequence[Tensor], new: Tensor, before: Tensor, targets: Tensor
) -> tuple[int, Combination]:
    """The frozen answer and the combination with the least cost on validation rows, the first of equals.

    Of those that lower the loss, where any does: else the gate `loss_decrease` would refuse a choice by
    another metric.
    `answers` are the logits [N, C] of the frozen answers that may be joined. Where the lineage is full there
    are several, and the head is left out that the new one makes up for best, often the one it was copied
    from. `new` are the logits h [N, C] of the trained branch, `before` those that must not become worse on
    the guarded rows of a refinement, where any option keeps them; `targets` [N] are class indices.
    """
    answers = [answer.cpu() for answer in answers]
    new, before, targets = new.cpu(), before.cpu(), targets.cpu()
    options = [(index, item) for index in range(len(answers)) for item in plan.combinations]
    heads = [combine(item, answers[index], new) for index, item in options]
    calibrated = [calibrate_plan(plan, logits, targets) for logits in heads]
    guarded = 0 if plan.refinement is None else plan.refinement.guarded_rows

    def guarded_loss(logits: Tensor, head: CalibratedHead) -> float:
        own_logits, own_targets = logits[:guarded].numpy(), targets[:guarded].numpy()
        return measure_calibrated_loss(own_logits, own_targets, head.calibration)

    allowed, initial = list(range(len(options))), calibrate_plan(plan, before, targets)
    if guarded:
        limit = guarded_loss(before, initial)
        kept = [index for index in allowed if guarded_loss(heads[index], calibrated[index]) <= limit]
        allowed = kept or allowed
    allowed = [index for index in allowed if calibrated[index].loss < initial.loss] or allowed

    def cost(index: int) -> float:
        head = calibrated[index]
        value = ValidationScore(head.loss, math.nan, head.value).cost(METRICS[plan.metric])
        return math.inf if math.isnan(value) else value

    return options[min(allowed, key=cost)]
