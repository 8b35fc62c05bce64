"""Targets are smoothed where that was measured to help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.growth import Combination
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.head_fit import cross_entropy
from growlearn.growth.label_smoothing import label_smoothing

NUMBERS = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})


def test_a_branch_alone_on_a_table_has_smoothed_targets(builder: Any) -> None:
    images = builder.plan(builder.only(0, 1))
    table = replace(images, parent_manifest=replace(images.parent_manifest, schema=NUMBERS))
    assert label_smoothing(table) > 0
    assert label_smoothing(images) == 0
    assert label_smoothing(replace(table, combination=Combination(frozen_weight=1.0, step_size=0.3))) == 0


def test_smoothing_mixes_each_target_with_all_classes() -> None:
    torch.manual_seed(0)
    logits, targets, weights = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0]), torch.rand(5)
    soft = 0.9 * F.one_hot(targets, 3) + 0.1 / 3
    losses = -(soft * logits.log_softmax(1)).sum(1)
    assert torch.isclose(cross_entropy(logits, targets, smoothing=0.1), losses.mean())
    assert torch.isclose(cross_entropy(logits, targets, weights, 0.1), (losses * weights).mean())
