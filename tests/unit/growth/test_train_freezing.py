"""Frozen weights and logits never change: exact equality, no tolerance."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from growlearn.domain.growth import BranchInit
from growlearn.growth.branch_init import init_trainable_parts
from growlearn.growth.calibration import calibrate_plan
from growlearn.growth.training_data import to_class_indices
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.network.bitwise_check import find_changed_tasks
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import list_terms
from growlearn.network.model.network import GrowingNetwork, load_network


def _load(builder: Any) -> GrowingNetwork:
    return load_network(builder.manifest, builder.artifacts.get)


def image_of(stem: Any) -> Any:
    """The module of the only image column."""
    return stem.images[0]


def test_a_new_residual_branch_adds_exactly_zero(builder: Any) -> None:
    branch = ResidualBranch(builder.manifest.model)
    branch.zero_init_output()
    z = torch.randn(5, 16, builder.manifest.model.embed_dim)
    assert torch.equal(branch(z), torch.zeros_like(z))


def test_a_branch_that_adds_zero_changes_no_bit_of_the_logits() -> None:
    torch.manual_seed(0)
    shorter, longer = Head(3, 16, 3), Head(4, 16, 3)
    longer.norm.load_state_dict(shorter.norm.state_dict())
    longer.linear.load_state_dict(shorter.linear.state_dict())
    with torch.no_grad():
        longer.gates[:3] = shorter.gates
    features = torch.randn(7, 3, 16)
    grown = torch.cat([features, torch.zeros(7, 1, 16)], dim=1)
    assert torch.equal(shorter(features), longer(grown))


def test_with_the_parent_s_classes_the_initial_loss_is_the_parent_s_loss(builder: Any) -> None:
    first = builder.keep(builder.plan(builder.only(0, 1)))
    same = builder.plan(builder.only(0, 1), parent="task-1")
    assert same.init_head_from_parent
    assert builder.grow(same).initial_loss == first.best_loss


def test_an_untrained_copy_has_its_parent_s_loss(builder: Any) -> None:
    first = builder.keep(builder.plan(builder.only(0, 1)))
    same = builder.plan(builder.only(0, 1), parent="task-1", init=BranchInit.WARM_START, lineage=())
    result = builder.grow(same)
    assert result.initial_loss == first.best_loss
    assert result.branches[0].stem == same.new_branches[0]


def test_a_copy_normalises_by_its_own_window(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    rows = builder.only(0, 1)
    rows.inputs["image"] = 255 - rows.inputs["image"]
    network = _load(builder)
    before = image_of(network.root_stem).mean.clone()
    trainable = init_trainable_parts(
        builder.plan(rows, parent="task-1", init=BranchInit.WARM_START, lineage=()), network, rows
    )
    assert trainable.stem is not None
    fitted = image_of(trainable.stem).mean
    assert float(fitted) == pytest.approx(255 - float(before), abs=5)
    assert torch.equal(image_of(network.root_stem).mean, before)


@pytest.mark.parametrize("init", [BranchInit.WARM_START, BranchInit.SCRATCH])
def test_branches_with_a_stem_of_their_own_change_no_earlier_task(builder: Any, init: BranchInit) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    before = _load(builder)
    plan = builder.plan(builder.only(2, 3), parent="task-1", init=init, lineage=())
    result = builder.keep(plan)
    assert find_changed_tasks(before, _load(builder), {"task-1": builder.only(0, 1)}) == ()
    assert result.improved
    initial_network = load_network(result.build_initial_manifest(plan), builder.artifacts.get)
    validation = from_parquet(builder.artifacts.get(plan.validation), plan.parent_manifest.schema)
    logits = torch.from_numpy(initial_network.logits(validation, "task-2"))
    targets = to_class_indices(validation.labels, plan.classes)
    assert calibrate_plan(plan, logits, targets).loss == pytest.approx(result.initial_loss, abs=1e-6)


def test_before_training_the_initial_head_gives_the_same_logits(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = builder.plan(builder.only(2, 3), parent="task-1")
    network = _load(builder)
    rows = from_parquet(builder.artifacts.get(plan.validation), plan.parent_manifest.schema)
    trainable = init_trainable_parts(plan, network, rows)
    features = torch.from_numpy(network.pooled_features(rows, plan.lineage))
    zero_residual = torch.zeros(len(rows), 1, builder.manifest.model.embed_dim)
    assert torch.equal(
        trainable.initial_head(features), trainable.head(torch.cat([features, zero_residual], 1))
    )


def test_growth_changes_no_weights_and_no_logits_of_earlier_tasks(builder: Any) -> None:
    reference_rows: dict[str, Rows] = {}
    for labels in [(0, 1), (2, 3), (4, 5)]:
        before = _load(builder) if builder.manifest.branches else None
        hashes = {entry.id: entry.sha256 for entry in builder.manifest.branches}
        rows = builder.only(*labels)
        parent = builder.manifest.tasks[-1].name if builder.manifest.tasks else None
        result = builder.keep(builder.plan(rows, parent=parent))
        if before is not None:
            after = _load(builder)
            assert find_changed_tasks(before, after, reference_rows) == ()
            assert {
                name: sha256 for name, sha256 in _hashes(after, builder).items() if name in hashes
            } == hashes
        reference_rows[builder.manifest.tasks[-1].name] = rows
        assert result.best_loss < result.initial_loss


def _hashes(network: GrowingNetwork, builder: Any) -> dict[str, str]:
    return {name: builder.artifacts.put(network.dump_branch(name)) for name in network.branches}


@pytest.mark.parametrize("part", ["branch", "stem", "buffer", "head"])
def test_a_change_of_any_frozen_part_is_detected(builder: Any, part: str) -> None:
    rows = builder.only(0, 1)
    builder.keep(builder.plan(rows))
    before = _load(builder)
    broken = copy.deepcopy(before)
    tensor = {
        "branch": broken.branches["b1"].layers[0].mlp_out.weight,  # type: ignore[union-attr, index]
        "stem": image_of(broken.root_stem).position,
        "buffer": image_of(broken.root_stem).mean,
        "head": list_terms(broken.head("task-1"))[0][0].linear.weight,
    }[part]
    with torch.no_grad():
        tensor.view(-1)[0] += 1e-2
    assert find_changed_tasks(before, before, {"task-1": rows}) == ()
    assert find_changed_tasks(before, broken, {"task-1": rows}) == ("task-1",)


def test_training_with_an_unfrozen_parent_is_detected(builder: Any) -> None:
    rows = builder.only(0, 1)
    builder.keep(builder.plan(rows))
    before, network = _load(builder), _load(builder)
    network.requires_grad_(True)  # broken on purpose
    optimizer = torch.optim.SGD(network.branches.parameters(), lr=0.1)
    loss = network(builder.only(2, 3), "task-1").square().mean()
    loss.backward()
    optimizer.step()
    assert find_changed_tasks(before, network, {"task-1": rows}) == ("task-1",)


def test_logits_do_not_depend_on_later_tasks(builder: Any) -> None:
    rows = builder.only(0, 1)
    builder.keep(builder.plan(rows))
    before = _load(builder).logits(rows, "task-1")
    builder.keep(builder.plan(builder.only(7, 8), parent="task-1"))
    assert np.array_equal(before, _load(builder).logits(rows, "task-1"))
