from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.growth import train
from growlearn.growth.lr_schedule import make_lr_schedule
from growlearn.growth.train_epoch import train_epoch
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.router import load_router


class _StoppedError(Exception):
    pass


def test_a_first_task_of_real_digits_is_learned(builder: Any) -> None:
    plan = builder.plan(builder.digits)
    result = builder.grow(replace(plan, growth=replace(plan.growth, epochs=6, learning_rate=0.01)))
    best = next(epoch for epoch in result.epochs if epoch.epoch == result.best_epoch)
    assert best.validation_accuracy > 0.8
    assert result.improved


def test_equal_plans_give_equal_weights(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    first, second = builder.grow(plan), builder.grow(replace(plan, window="w9"))
    assert (first.branches, first.head) == (second.branches, second.head)


def test_another_seed_gives_other_weights(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    assert builder.grow(plan).head != builder.grow(replace(plan, window="w9", seed=77)).head


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_training_ends_with_the_same_bits(builder: Any, after: int) -> None:
    plan = builder.plan(builder.only(0, 1, 2))
    undisturbed = builder.grow(plan)
    interrupted = replace(plan, window="w8")

    def stop(progress: Any) -> None:
        if progress.done == after:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        builder.grow(interrupted, stop)
    resumed: list[int] = []
    result = builder.grow(interrupted, lambda progress: resumed.append(progress.done))
    assert resumed == list(range(after + 1, plan.growth.epochs + 1))
    assert (result.branches, result.head) == (undisturbed.branches, undisturbed.head)
    assert result.best_loss == undisturbed.best_loss


def test_training_stops_early_and_keeps_the_best_epoch(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    spec = replace(plan.growth, epochs=40, patience=2, learning_rate=0.05)
    result = builder.grow(replace(plan, growth=spec))
    losses = [epoch.validation_loss for epoch in result.epochs]
    assert len(losses) == make_lr_schedule(spec, result.initial_loss, losses).last_epoch < 40
    assert result.best_loss == min(losses) == losses[result.best_epoch - 1]


def test_every_prefix_of_the_first_branches_is_a_model(three_branch_builder: Any) -> None:
    plan = three_branch_builder.plan(three_branch_builder.only(0, 1, 2))
    result = three_branch_builder.grow(replace(plan, growth=replace(plan.growth, epochs=6)))
    assert [entry.parent for entry in result.branches] == [None, "b1", "b2"]
    assert result.lineage == ("b1", "b2", "b3")
    assert len(result.prefix_losses) == 3
    assert max(result.prefix_losses) < result.initial_loss / 2


def test_the_prefix_curve_runs_from_the_stem_alone_over_the_parents_to_the_new_branch(
    three_branch_builder: Any,
) -> None:
    first = three_branch_builder.keep(three_branch_builder.plan(three_branch_builder.only(0, 1, 2)))
    points = first.prefix_curve
    assert [point.branch for point in points] == [None, "b1", "b2", "b3"]
    assert [point.loss for point in points[1:]] == list(first.prefix_losses)
    assert [point.accuracy for point in points[1:]] == list(first.prefix_accuracies)
    plan = three_branch_builder.plan(three_branch_builder.only(3, 4), parent="task-1")
    second = three_branch_builder.grow(plan)
    assert [point.branch for point in second.prefix_curve] == [None, "b1", "b2", "b3", "b4"]
    assert second.prefix_curve[-1].loss == pytest.approx(second.best_loss, rel=1e-5)
    assert len({point.loss for point in second.prefix_curve}) == 5


def test_pruned_branches_stay_in_the_prefix_curve(three_branch_builder: Any) -> None:
    plan = three_branch_builder.plan(three_branch_builder.only(0, 1, 2))
    small = three_branch_builder.grow(replace(plan, max_accuracy_drop=1.0))
    assert (len(small.lineage), len(small.prefix_curve)) == (1, 4)


def test_rows_without_a_task_are_routed_to_the_right_task(builder: Any) -> None:
    for labels, parent in [((0, 1), None), ((2, 3), "task-1")]:
        builder.keep(builder.plan(builder.only(*labels), parent=parent))
    stem = load_network(builder.manifest, builder.artifacts.get).root_stem
    router = load_router(builder.manifest, stem, builder.artifacts.get)
    probabilities = router.probabilities(builder.only(2, 3), ["task-1", "task-2"])
    assert float((probabilities[:, 1] > 0.5).float().mean()) > 0.9
    assert torch.allclose(probabilities.sum(1), torch.ones(len(probabilities)))
    alone = router.probabilities(builder.only(2, 3), ["task-2"])
    assert torch.allclose(alone, torch.ones(len(probabilities), 1))


def test_weights_survive_their_stored_form_to_the_last_bit() -> None:
    tensors = {
        "f32": torch.randn(3, 4),
        "f64": torch.randn(2, dtype=torch.float64),
        "u8": torch.arange(7, dtype=torch.uint8),
        "empty": torch.zeros(0, dtype=torch.uint8),
        "scalar": torch.tensor(1.5),
    }
    loaded = weights.load_weights(weights.dump_weights(tensors))
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor)
        assert loaded[name].dtype == tensor.dtype


def test_damaged_weights_are_refused() -> None:
    content = weights.dump_weights({"f32": torch.randn(3, 4)})
    for damaged in (b"", content[:-3], content + b"x"):
        with pytest.raises(CorruptArtifact, match="not safetensors"):
            weights.load_weights(damaged)


def test_training_that_changes_a_frozen_branch_fails(builder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    frozen: list[GrowingNetwork] = []

    def load(manifest: Manifest, read: Callable[[str], bytes], **options: Any) -> GrowingNetwork:
        frozen.append(load_network(manifest, read, **options))
        return frozen[-1]

    def train_carelessly(*arguments: Any) -> float:
        with torch.no_grad():
            next(frozen[-1].branches["b1"].parameters()).add_(1e-7)
        return train_epoch(*arguments)

    monkeypatch.setattr(train, "load_network", load)
    monkeypatch.setattr(train, "train_epoch", train_carelessly)
    with pytest.raises(GrowLearnError, match="training changed frozen weights"):
        builder.grow(builder.plan(builder.only(2, 3), parent="task-1"))


def test_a_diverged_training_does_not_improve_though_fitting_its_head_did(
    builder: Any,
) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    wild = GrowthConfig(epochs=1, learning_rate=1.0, batch_size=8, validation_fraction=0.2)
    result = builder.grow(builder.plan(builder.only(2, 3), parent="task-1", growth=wild))
    assert result.best_loss < result.initial_loss  # by fitting the head
    assert (result.best_epoch > 0) is result.improved
