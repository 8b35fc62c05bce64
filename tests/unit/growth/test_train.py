from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import GrowthSpec
from growlearn.domain.lineage import Manifest
from growlearn.growth import train
from growlearn.growth.model import weights
from growlearn.growth.model.network import GrowingNetwork, load_network
from growlearn.growth.router.router import load_router
from growlearn.growth.schedule import pace


class _StoppedError(Exception):
    pass


def test_a_first_task_of_real_digits_is_learned(nursery: Any) -> None:
    plan = nursery.plan(nursery.digits)
    result = nursery.grow(replace(plan, growth=replace(plan.growth, epochs=12)))
    best = next(e for e in result.epochs if e.epoch == result.best_epoch)
    assert best.validation_accuracy > 0.9
    assert result.reduced_loss


def test_equal_plans_give_equal_weights(nursery: Any) -> None:
    plan = nursery.plan(nursery.only(0, 1))
    first, second = nursery.grow(plan), nursery.grow(replace(plan, window="w9"))
    assert (first.branches, first.head) == (second.branches, second.head)


def test_another_seed_gives_other_weights(nursery: Any) -> None:
    plan = nursery.plan(nursery.only(0, 1))
    assert nursery.grow(plan).head != nursery.grow(replace(plan, window="w9", seed=77)).head


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_training_ends_with_the_same_bits(nursery: Any, after: int) -> None:
    plan = nursery.plan(nursery.only(0, 1, 2))
    undisturbed = nursery.grow(plan)
    interrupted = replace(plan, window="w8")

    def stop(progress: Any) -> None:
        if progress.done == after:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        nursery.grow(interrupted, stop)
    resumed: list[int] = []
    result = nursery.grow(interrupted, lambda progress: resumed.append(progress.done))
    assert resumed == list(range(after + 1, plan.growth.epochs + 1))
    assert (result.branches, result.head) == (undisturbed.branches, undisturbed.head)
    assert result.best_loss == undisturbed.best_loss


def test_training_stops_early_and_keeps_the_best_epoch(nursery: Any) -> None:
    plan = nursery.plan(nursery.only(0, 1))
    spec = replace(plan.growth, epochs=40, patience=2, learning_rate=0.05)
    result = nursery.grow(replace(plan, growth=spec))
    losses = [e.validation_loss for e in result.epochs]
    assert len(losses) == pace(spec, result.birth_loss, losses).last < 40
    assert result.best_loss == min(losses) == losses[result.best_epoch - 1]


def test_every_prefix_of_the_first_branches_is_a_model(triplets: Any) -> None:
    plan = triplets.plan(triplets.digits)
    result = triplets.grow(replace(plan, growth=replace(plan.growth, epochs=8)))
    assert [entry.parent for entry in result.branches] == [None, "b1", "b2"]
    assert result.lineage == ("b1", "b2", "b3")
    assert len(result.prefix_losses) == 3
    assert max(result.prefix_losses) < result.birth_loss / 2


def test_the_approximation_curve_goes_from_the_bare_stem_over_the_parents_to_the_new_branch(
    triplets: Any,
) -> None:
    first = triplets.keep(triplets.plan(triplets.only(0, 1, 2)))
    points = first.approximation
    assert [point.branch for point in points] == [None, "b1", "b2", "b3"]
    assert [point.loss for point in points[1:]] == list(first.prefix_losses)
    assert [point.accuracy for point in points[1:]] == list(first.prefix_accuracies)
    plan = triplets.plan(triplets.only(3, 4), parent="task-1")
    second = triplets.grow(plan)
    assert [point.branch for point in second.approximation] == [None, "b1", "b2", "b3", "b4"]
    assert second.approximation[-1].loss == pytest.approx(second.best_loss, rel=1e-5)
    assert len({point.loss for point in second.approximation}) == 5


def test_branches_dropped_for_size_stay_in_the_approximation_curve(triplets: Any) -> None:
    plan = triplets.plan(triplets.only(0, 1, 2))
    small = triplets.grow(replace(plan, max_accuracy_loss=1.0))
    assert (len(small.lineage), len(small.approximation)) == (1, 4)


def test_rows_without_a_task_are_routed_to_the_task_they_are_like(nursery: Any) -> None:
    for labels, parent in [((0, 1), None), ((2, 3), "task-1")]:
        nursery.keep(nursery.plan(nursery.only(*labels), parent=parent))
    stem = load_network(nursery.manifest, nursery.artifacts.get).root_stem
    router = load_router(nursery.manifest, stem, nursery.artifacts.get)
    likely = router.probabilities(nursery.only(2, 3), ["task-1", "task-2"])
    assert float((likely[:, 1] > 0.5).float().mean()) > 0.9
    assert torch.allclose(likely.sum(1), torch.ones(len(likely)))
    alone = router.probabilities(nursery.only(2, 3), ["task-2"])
    assert torch.allclose(alone, torch.ones(len(likely), 1))


def test_weights_survive_their_stored_form_to_the_last_bit() -> None:
    tensors = {
        "f32": torch.randn(3, 4),
        "f64": torch.randn(2, dtype=torch.float64),
        "u8": torch.arange(7, dtype=torch.uint8),
        "empty": torch.zeros(0, dtype=torch.uint8),
        "scalar": torch.tensor(1.5),
    }
    loaded = weights.load(weights.dump(tensors))
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor)
        assert loaded[name].dtype == tensor.dtype


def test_training_that_touches_a_frozen_branch_is_stopped(
    nursery: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    frozen: list[GrowingNetwork] = []

    def load(manifest: Manifest, read: Callable[[str], bytes]) -> GrowingNetwork:
        frozen.append(load_network(manifest, read))
        return frozen[-1]

    def train_carelessly(*arguments: Any) -> float:
        with torch.no_grad():
            next(frozen[-1].branches["b1"].parameters()).add_(1e-7)
        return train_epoch(*arguments)

    train_epoch = train._train_epoch
    monkeypatch.setattr(train, "load_network", load)
    monkeypatch.setattr(train, "_train_epoch", train_carelessly)
    with pytest.raises(GrowLearnError, match="training changed frozen weights"):
        nursery.grow(nursery.plan(nursery.only(2, 3), parent="task-1"))


def test_a_training_that_diverges_did_not_lower_the_loss_though_fitting_its_head_did(
    nursery: Any,
) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    wild = GrowthSpec(epochs=1, learning_rate=1.0, batch_size=8, validation=0.2)
    result = nursery.grow(nursery.plan(nursery.only(2, 3), parent="task-1", growth=wild))
    assert result.best_loss < result.birth_loss  # by the head alone
    assert (result.best_epoch > 0) is result.reduced_loss
