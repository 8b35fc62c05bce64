"""What every plan that runs branches must keep; the loop is the one that the others are held to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.execution import ALONE, PLANS
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.stems.stem import new_stem
from growlearn.ingest.rows import Rows, object_column, row_keys

SCHEMA = Schema(inputs={f"x{i}": Input(type=InputType.NUMBER) for i in range(5)})
LINEAGES: tuple[tuple[str, ...], ...] = (("b1",), ("b1", "b2", "b3"), ("b1", "b4"), ("b4", "b5"), ())


def rows_of(count: int) -> Rows:
    drawn = np.random.default_rng(count).normal(size=(5, count))
    inputs = {f"x{i}": column for i, column in enumerate(drawn)}
    return Rows(inputs, object_column([None] * count), None, row_keys(inputs, SCHEMA))


def grown(depth: int) -> GrowingNetwork:
    """Three branches on the first stem, two on the fourth's own; a task for each lineage."""
    torch.manual_seed(depth)
    spec = ModelSpec(width=16, depth=depth, heads=2)
    network = GrowingNetwork(spec)
    for i, owner in enumerate(("b1", "b1", "b1", "b4", "b4"), 1):
        stem = new_stem(SCHEMA, spec, rows_of(50)) if owner == f"b{i}" else None
        network.add_branch(f"b{i}", Branch(spec), owner, stem)
    for name, parameter in network.named_parameters():
        if "norm" in name:  # as after a training: norms are born as one and zero
            nn.init.normal_(parameter, 1.0, 0.3)
    for at, lineage in enumerate(LINEAGES):
        network.add_task(f"t{at}", (0, 1, 2), lineage, Head(len(lineage), spec.width, 3))
    return network.requires_grad_(False).eval()


def residuals(network: GrowingNetwork, plan: str, rows: Rows, lineage: Sequence[str]) -> list[Tensor]:
    tokens = network.tokens(rows, lineage)
    return PLANS[plan](network._parts())(tokens, lineage)


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("plan", ALONE)
def test_every_plan_is_within_a_hundred_thousandth_of_the_whole_branches(
    plan: str, depth: int, rows: int
) -> None:
    network, batch = grown(depth), rows_of(rows)
    for lineage in (*LINEAGES, ("b2", "b5")):  # the last is no task's
        tokens = network.tokens(batch, lineage)
        whole = [network.branches[name](tokens[network.stem_of[name]]).mean(1) for name in lineage]
        found = residuals(network, plan, batch, lineage)
        assert len(found) == len(lineage)
        for mine, expected in zip(found, whole, strict=True):
            assert mine.shape == expected.shape
            assert (mine - expected).abs().max() < 1e-5


@pytest.mark.parametrize("plan", ALONE)
def test_one_plan_gives_the_same_bits_every_time(plan: str) -> None:
    network, rows = grown(2), rows_of(7)
    for lineage in LINEAGES:
        first, again = (residuals(network, plan, rows, lineage) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("plan", ALONE)
def test_a_branch_born_zero_adds_exactly_nothing(plan: str) -> None:
    network = grown(2)
    born = network.branches["b2"]
    assert isinstance(born, Branch)
    born.born_zero()
    assert not residuals(network, plan, rows_of(4), LINEAGES[1])[1].any()


@pytest.mark.parametrize("plan", ALONE)
def test_no_rows_give_no_answers(plan: str) -> None:
    assert [found.shape for found in residuals(grown(1), plan, rows_of(0), ("b1", "b4"))] == [(0, 16)] * 2
