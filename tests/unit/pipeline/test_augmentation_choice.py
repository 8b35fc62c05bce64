"""Augmentations chosen by short trainings on a few training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from growlearn.domain.growth import GrowthPlan
from growlearn.domain.metric import MetricName
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.augmentation_choice import choose_augmentation
from tests.unit.digits import SCHEMA
from tests.unit.model_builder import ModelBuilder

Losses = dict[tuple[str, ...], float]


@dataclass
class FakeEngine:
    """Gives each trial the loss of its augmentations."""

    losses: Losses
    values: Losses = field(default_factory=dict)
    plans: list[GrowthPlan] = field(default_factory=list)

    def run(self, plans: Sequence[GrowthPlan], _: Any) -> Any:
        self.plans += plans
        names = [plan.growth.augmentation for plan in plans]
        return [
            type("Result", (), {"best_loss": self.losses[each], "validation_value": self.values.get(each)})()  # type: ignore[index, arg-type]
            for each in names
        ]


@pytest.fixture
def plan(builder: ModelBuilder) -> GrowthPlan:
    return builder.plan(builder.digits)


def choose(builder: ModelBuilder, plan: GrowthPlan, engine: FakeEngine) -> GrowthPlan:
    return choose_augmentation(plan, engine, ModelCache(builder.artifacts), lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("flip", "shift", "chosen"),
    [
        (0.9, 0.8, ("flip", "shift")),
        (1.1, 0.8, ("shift",)),
        (1.0, 0.99, ()),  # no better, or within chance
        (float("nan"), 0.9, ("shift",)),
    ],
)
def test_what_lowers_the_loss_is_chosen(
    builder: ModelBuilder, plan: GrowthPlan, flip: float, shift: float, chosen: tuple[str, ...]
) -> None:
    engine = FakeEngine({(): 1.0, ("flip",): flip, ("shift",): shift})
    result = choose(builder, plan, engine)
    assert result == replace(plan, growth=replace(plan.growth, augmentation=chosen))  # type: ignore[arg-type]


def test_a_metric_other_than_accuracy_chooses_by_its_value(builder: ModelBuilder, plan: GrowthPlan) -> None:
    plan = replace(plan, metric=MetricName.MACRO_F1)
    engine = FakeEngine(
        {(): 1.0, ("flip",): 2.0, ("shift",): 0.5}, {(): 0.6, ("flip",): 0.7, ("shift",): 0.5}
    )
    assert choose(builder, plan, engine).growth.augmentation == ("flip",)


def test_trials_read_disjoint_training_rows_only_and_have_a_bounded_cost(
    builder: ModelBuilder, plan: GrowthPlan
) -> None:
    engine = FakeEngine({(): 1.0, ("flip",): 1.0, ("shift",): 1.0})
    choose(builder, plan, engine)
    models = ModelCache(builder.artifacts)
    assert len(engine.plans) == 3
    for trial in engine.plans:
        train, scored, rows = (
            models.rows(digest, SCHEMA).row_hashes for digest in (trial.train, trial.validation, plan.train)
        )
        assert len(train) <= 1000
        assert not np.isin(train, scored).any()
        assert np.isin(np.concatenate([train, scored]), rows).all()
        assert trial.parent_manifest.model.embed_dim == 32
        assert not trial.train_router
        assert trial.growth.epochs == 20


def test_too_few_rows_are_not_tried(builder: ModelBuilder) -> None:
    plan, engine = builder.plan(builder.only(0, 1)), FakeEngine({})
    assert choose(builder, plan, engine).growth.augmentation == ()
    assert engine.plans == []
