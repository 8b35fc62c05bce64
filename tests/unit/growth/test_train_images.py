"""Training of a stem with batch normalisation: running statistics, augmentation, small batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from growlearn.domain.growth import BranchInit, GrowthPlan, GrowthResult
from growlearn.growth.branch_init import init_trainable_parts
from growlearn.ingest.rows import from_parquet
from growlearn.network.model import weights
from growlearn.network.model.network import load_network
from growlearn.network.stems.stem import evaluation_mode, training_mode

_RUNNING = "running_mean"


class _StoppedError(Exception):
    pass


def with_augmentation(plan: GrowthPlan, *names: str) -> GrowthPlan:
    return replace(plan, growth=replace(plan.growth, augmentation=names))  # type: ignore[arg-type]


def statistics(builder: Any, result: GrowthResult) -> list[Tensor]:
    stored = weights.load_weights(builder.artifacts.get(result.branches[0].sha256))
    return [value for name, value in stored.items() if name.endswith(_RUNNING)]


def test_training_moves_the_running_statistics_and_stores_them(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    rows = from_parquet(builder.artifacts.view(plan.train), plan.parent_manifest.schema)
    untrained = init_trainable_parts(plan, load_network(plan.parent_manifest, builder.artifacts.get), rows)
    assert untrained.stem is not None
    assert not untrained.stem.training
    initial = [value for name, value in untrained.stem.state_dict().items() if name.endswith(_RUNNING)]
    trained = statistics(builder, builder.grow(plan))
    assert len(initial) == len(trained) == 3
    assert all(value.abs().sum() > 0 for value in initial)
    assert not any(torch.equal(*pair) for pair in zip(initial, trained, strict=True))


def test_an_interrupted_training_with_augmentation_ends_with_the_same_bits(builder: Any) -> None:
    plan = with_augmentation(builder.plan(builder.only(0, 1, 2)), "flip", "shift")
    undisturbed = builder.grow(plan)

    def stop(progress: Any) -> None:
        if progress.done == 2:
            raise _StoppedError

    interrupted = replace(plan, window="w8")
    with pytest.raises(_StoppedError):
        builder.grow(interrupted, stop)
    result = builder.grow(interrupted)
    assert (result.branches, result.head) == (undisturbed.branches, undisturbed.head)


def test_augmentation_changes_the_training_of_a_stem(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    plain = builder.grow(plan)
    shifted = builder.grow(replace(with_augmentation(plan, "shift"), window="w8"))
    assert shifted.branches != plain.branches
    assert shifted.initial_loss == plain.initial_loss  # validation rows are never augmented


def test_a_branch_on_a_frozen_stem_is_not_augmented(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = builder.plan(builder.only(2, 3), parent="task-1")
    plain = builder.grow(plan)
    shifted = builder.grow(replace(with_augmentation(plan, "shift"), window="w8"))
    assert shifted.branches == plain.branches


def test_a_last_batch_of_one_row_is_trained_on(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    rows = len(from_parquet(builder.artifacts.view(plan.train), plan.parent_manifest.schema))
    plan = replace(plan, growth=replace(plan.growth, batch_size=rows - 1, epochs=2))
    assert all(value.isfinite().all() for value in statistics(builder, builder.grow(plan)))


def test_a_frozen_stem_refuses_training_mode_and_a_copy_of_it_does_not(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    network = load_network(builder.manifest, builder.artifacts.get)
    network.train()
    assert not any(module.training for module in network.root_stem.modules())
    plan = builder.plan(builder.only(0, 1), parent="task-1", init=BranchInit.WARM_START, lineage=())
    copied = init_trainable_parts(plan, network, builder.only(0, 1)).stem
    assert copied is not None
    with training_mode(copied):
        assert copied.training
        with evaluation_mode(copied):
            assert not copied.training
        assert copied.training
    assert not copied.training
