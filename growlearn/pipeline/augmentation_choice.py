"""Which augmentations of training images help a stream, by short trainings on a few of its rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.growth_config import AugmentationName
from growlearn.domain.metric import METRICS
from growlearn.domain.model_config import ModelConfig
from growlearn.growth.augmentation import AUGMENTATIONS
from growlearn.growth.plan import single_task_plan
from growlearn.ingest.rows import Rows
from growlearn.network.model_cache import ModelCache
from growlearn.ports import Engine, ProgressCallback

_MIN_ROWS = 1000  # training rows; with fewer a trial says nothing
_MIN_GAIN = 0.02  # of the loss or the metric without augmentation; less is within chance
_MAX_TRAIN_ROWS = 1000  # of a trial
_MAX_VALIDATION_ROWS = 2000
_TRAIN_FRACTION = 2 / 3
_EPOCHS = 20
_BATCH_SIZE = 32


def choose_augmentation(
    plan: GrowthPlan, engine: Engine, models: ModelCache, on_progress: ProgressCallback
) -> GrowthPlan:
    """The plan with each augmentation that lowered the loss of a short training, named in its growth.

    A tiny network is trained from nothing on at most 1,000 of the training rows: once as they are and once
    with each augmentation. It is scored on up to 2,000 other training rows, by the loss or the plan's metric.
    Neither validation nor hold-out rows are read. Where a flip turns one class into another, as it does with
    digits, the loss rises and the flip is left out.
    """
    schema = plan.parent_manifest.schema
    split = _split_trial_rows(models.rows(plan.train, schema))
    if split is None:
        return _with_augmentation(plan, ())
    train, validation = (models.store_rows(part, schema) for part in split)
    names = list[AugmentationName](AUGMENTATIONS)
    candidates: list[tuple[AugmentationName, ...]] = [(), *((name,) for name in names)]
    trials = [_make_trial_plan(plan, train, validation, candidate) for candidate in candidates]
    plain, *augmented = (_cost(trial, plan) for trial in engine.run(trials, on_progress))
    bar = plain - _MIN_GAIN * abs(plain)
    chosen = tuple(name for name, cost in zip(names, augmented, strict=True) if cost < bar)
    return _with_augmentation(plan, chosen)


def _split_trial_rows(rows: Rows) -> tuple[Rows, Rows] | None:
    """Disjoint rows to train and to score on, the same in every call; None where there are too few."""
    if len(rows) < _MIN_ROWS:
        return None
    order = np.random.default_rng(0).permutation(len(rows))
    count = min(_MAX_TRAIN_ROWS, round(len(rows) * _TRAIN_FRACTION))
    return rows.take(order[:count]), rows.take(order[count : count + _MAX_VALIDATION_ROWS])


def _make_trial_plan(
    plan: GrowthPlan, train: str, validation: str, names: tuple[AugmentationName, ...]
) -> GrowthPlan:
    trial = single_task_plan(plan)
    model = plan.parent_manifest.model
    tiny = ModelConfig(size="tiny", stem=model.stem, patch_size=model.patch_size)
    growth = replace(
        plan.growth, epochs=_EPOCHS, patience=_EPOCHS, batch_size=_BATCH_SIZE, augmentation=names
    )
    return replace(
        trial,
        parent_manifest=replace(trial.parent_manifest, model=tiny),
        new_branches=("trial",),
        train=train,
        validation=validation,
        growth=growth,
        max_accuracy_drop=None,
        retained=None,
    )


def _cost(result: GrowthResult, plan: GrowthPlan) -> float:
    """What to choose the least of; one that is no number is the worst."""
    value = result.validation_value
    cost = result.best_loss if value is None else -METRICS[plan.metric].merit(value)
    return math.inf if math.isnan(cost) else cost


def _with_augmentation(plan: GrowthPlan, names: Sequence[AugmentationName]) -> GrowthPlan:
    return replace(plan, growth=replace(plan.growth, augmentation=tuple(names)))
