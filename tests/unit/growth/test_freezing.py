"""Nothing learned can change: exact equality, never a tolerance."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.growth import Birth
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import GrowingNetwork, load_network
from growlearn.growth.newborn import conceive
from growlearn.growth.proof import changed_tasks
from growlearn.growth.train import class_indices
from growlearn.ingest.rows import Rows, from_parquet


def _load(nursery: Any) -> GrowingNetwork:
    return load_network(nursery.manifest, nursery.artifacts.get)


def image_of(stem: Any) -> Any:
    """The module of the only image column."""
    return stem.images[0]


def test_a_newborn_branch_adds_exactly_nothing(nursery: Any) -> None:
    branch = Branch(nursery.manifest.model)
    branch.born_zero()
    z = torch.randn(5, 16, nursery.manifest.model.width)
    assert torch.equal(branch(z), torch.zeros_like(z))


def test_a_branch_that_adds_zero_leaves_every_bit_of_the_answer() -> None:
    torch.manual_seed(0)
    shorter, longer = Head(2, 16, 3), Head(3, 16, 3)
    longer.norm.load_state_dict(shorter.norm.state_dict())
    longer.linear.load_state_dict(shorter.linear.state_dict())
    with torch.no_grad():
        longer.gates[:3] = shorter.gates
    features = torch.randn(7, 3, 16)
    grown = torch.cat([features, torch.zeros(7, 1, 16)], dim=1)
    assert torch.equal(shorter(features), longer(grown))


def test_where_labels_match_the_loss_at_birth_is_the_parents_loss(nursery: Any) -> None:
    first = nursery.keep(nursery.plan(nursery.only(0, 1)))
    same = nursery.plan(nursery.only(0, 1), parent="task-1")
    assert same.copy_head
    assert nursery.grow(same).birth_loss == first.best_loss


def test_a_copy_answers_as_its_parent_does_at_birth(nursery: Any) -> None:
    first = nursery.keep(nursery.plan(nursery.only(0, 1)))
    same = nursery.plan(nursery.only(0, 1), parent="task-1", birth=Birth.COPY, lineage=())
    result = nursery.grow(same)
    assert result.birth_loss == first.best_loss
    assert result.branches[0].stem == same.new_branches[0]


def test_a_copy_learns_the_normalisation_of_its_own_window(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    rows = nursery.only(0, 1)
    rows.inputs["image"] = 255 - rows.inputs["image"]
    network = _load(nursery)
    before = image_of(network.root_stem).mean.clone()
    newborn = conceive(nursery.plan(rows, parent="task-1", birth=Birth.COPY, lineage=()), network, rows)
    assert newborn.stem is not None
    learned = image_of(newborn.stem).mean
    assert float(learned) == pytest.approx(255 - float(before), abs=5)
    assert torch.equal(image_of(network.root_stem).mean, before)


@pytest.mark.parametrize("birth", [Birth.COPY, Birth.OWN])
def test_branches_with_a_stem_of_their_own_leave_earlier_tasks_as_they_were(
    nursery: Any, birth: Birth
) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    before = _load(nursery)
    plan = nursery.plan(nursery.only(2, 3), parent="task-1", birth=birth, lineage=())
    result = nursery.keep(plan)
    assert changed_tasks(before, _load(nursery), {"task-1": nursery.only(0, 1)}) == ()
    assert result.reduced_loss
    birth_network = load_network(result.birth_manifest_of(plan), nursery.artifacts.get)
    validation = from_parquet(nursery.artifacts.get(plan.validation), plan.base.schema)
    loss = F.cross_entropy(
        torch.from_numpy(birth_network.logits(validation, "task-2")),
        class_indices(validation.labels, plan.classes),
    )
    assert float(loss) == pytest.approx(result.birth_loss, abs=1e-6)


def test_the_newborn_answers_as_its_birth_head_does_alone(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    plan = nursery.plan(nursery.only(2, 3), parent="task-1")
    network = _load(nursery)
    rows = from_parquet(nursery.artifacts.get(plan.validation), plan.base.schema)
    newborn = conceive(plan, network, rows)
    features = torch.from_numpy(network.pooled(rows, plan.lineage))
    silent = torch.zeros(len(rows), 1, nursery.manifest.model.width)
    assert torch.equal(newborn.birth_head(features), newborn.head(torch.cat([features, silent], 1)))


def test_growing_leaves_weights_and_answers_of_earlier_tasks_as_they_were(nursery: Any) -> None:
    probes: dict[str, Rows] = {}
    for labels in [(0, 1), (2, 3), (4, 5)]:
        before = _load(nursery) if nursery.manifest.branches else None
        hashes = {entry.id: entry.sha256 for entry in nursery.manifest.branches}
        rows = nursery.only(*labels)
        parent = nursery.manifest.tasks[-1].name if nursery.manifest.tasks else None
        result = nursery.keep(nursery.plan(rows, parent=parent))
        if before is not None:
            after = _load(nursery)
            assert changed_tasks(before, after, probes) == ()
            assert {k: v for k, v in _hashes(after, nursery).items() if k in hashes} == hashes
        probes[nursery.manifest.tasks[-1].name] = rows
        assert result.best_epoch > 0


def _hashes(network: GrowingNetwork, nursery: Any) -> dict[str, str]:
    return {name: nursery.artifacts.put(network.branch_weights(name)) for name in network.branches}


@pytest.mark.parametrize("part", ["branch", "stem", "buffer", "head"])
def test_breaking_the_freeze_is_found_whatever_part_was_touched(nursery: Any, part: str) -> None:
    rows = nursery.only(0, 1)
    nursery.keep(nursery.plan(rows))
    before = _load(nursery)
    broken = copy.deepcopy(before)
    touched = {
        "branch": broken.branches["b1"].layers[0].mlp_out.weight,  # type: ignore[union-attr, index]
        "stem": image_of(broken.root_stem).position,
        "buffer": image_of(broken.root_stem).mean,
        "head": broken.head("task-1").linear.weight,
    }[part]
    with torch.no_grad():
        touched.view(-1)[0] += 1e-2
    assert changed_tasks(before, before, {"task-1": rows}) == ()
    assert changed_tasks(before, broken, {"task-1": rows}) == ("task-1",)


def test_training_with_an_unfrozen_parent_is_found(nursery: Any) -> None:
    rows = nursery.only(0, 1)
    nursery.keep(nursery.plan(rows))
    before, network = _load(nursery), _load(nursery)
    network.requires_grad_(True)  # the freeze, broken on purpose
    optimizer = torch.optim.SGD(network.branches.parameters(), lr=0.1)
    loss = network(nursery.only(2, 3), "task-1").square().mean()
    loss.backward()
    optimizer.step()
    assert changed_tasks(before, network, {"task-1": rows}) == ("task-1",)


def test_answers_do_not_depend_on_tasks_that_come_later(nursery: Any) -> None:
    rows = nursery.only(0, 1)
    nursery.keep(nursery.plan(rows))
    alone = _load(nursery).logits(rows, "task-1")
    nursery.keep(nursery.plan(nursery.only(7, 8), parent="task-1"))
    assert np.array_equal(alone, _load(nursery).logits(rows, "task-1"))
