"""Answers are compared after a temperature."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from growlearn.domain.metric import METRICS, MetricName
from growlearn.growth.prefix_evaluation import measure_logits
from growlearn.growth.validation_score import ValidationScore


def test_answers_that_are_too_sure_lose_nothing_against_the_same_answers_less_sure(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    torch.manual_seed(0)
    targets = torch.arange(200) % 2
    logits = torch.nn.functional.one_hot(targets).float() + 0.7 * torch.randn(200, 2)
    modest, sure = (measure_logits(plan, scale * logits, targets) for scale in (1.0, 8.0))
    assert sure.loss == pytest.approx(modest.loss, rel=0.02)
    assert torch.nn.functional.cross_entropy(8 * logits, targets) > 1.5 * sure.loss
    assert sure.accuracy == modest.accuracy


def test_better_answers_have_the_lower_loss_however_sure_they_are(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    torch.manual_seed(0)
    targets = torch.arange(200) % 2
    signal, noise = torch.nn.functional.one_hot(targets).float(), torch.randn(200, 2)
    better, worse = 10 * (signal + 0.5 * noise), 0.5 * (signal + 1.5 * noise)
    assert measure_logits(plan, better, targets).loss < measure_logits(plan, worse, targets).loss


def test_a_metric_s_value_decides_where_there_is_one() -> None:
    score = ValidationScore(0.4, 0.8, 0.9)
    auc = METRICS[MetricName.ROC_AUC]
    assert (score.cost(auc), score.merit(auc)) == (-0.9, 0.9)
    assert (ValidationScore(0.4, 0.8).cost(auc), ValidationScore(0.4, 0.8).merit(auc)) == (0.4, 0.8)
