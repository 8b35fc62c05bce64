"""What every executor of branches must do; the loop is the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution import EXECUTORS
from growlearn.network.model.head import Head
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.stems.stem import make_stem


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """So that `workers` has workers."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


SCHEMA = Schema(inputs={f"x{i}": InputColumn(type=InputType.NUMBER) for i in range(5)})
LINEAGES: tuple[tuple[str, ...], ...] = (("b1",), ("b1", "b2", "b3"), ("b1", "b4"), ("b4", "b5"), ())


def rows_of(count: int) -> Rows:
    drawn = np.random.default_rng(count).normal(size=(5, count))
    inputs = {f"x{i}": column for i, column in enumerate(drawn)}
    return Rows(inputs, object_column([None] * count), None, hash_rows(inputs, SCHEMA))


def make_network(depth: int) -> GrowingNetwork:
    """Three branches on the first stem, two on the fourth's own; a task for each lineage."""
    torch.manual_seed(depth)
    config = ModelConfig(embed_dim=16, depth=depth, num_heads=2)
    network = GrowingNetwork(config)
    for i, owner in enumerate(("b1", "b1", "b1", "b4", "b4"), 1):
        stem = make_stem(SCHEMA, config, rows_of(50)) if owner == f"b{i}" else None
        network.add_branch(f"b{i}", ResidualBranch(config), owner, stem)
    for name, parameter in network.named_parameters():
        if "norm" in name:  # as after training: norms start as one and zero
            nn.init.normal_(parameter, 1.0, 0.3)
    for index, lineage in enumerate(LINEAGES):
        network.add_task(f"t{index}", (0, 1, 2), lineage, Head(1 + len(lineage), config.embed_dim, 3))
    return network.requires_grad_(False).eval()


def residuals(network: GrowingNetwork, executor: str, rows: Rows, lineage: Sequence[str]) -> list[Tensor]:
    tokens = network.tokens(rows, lineage)
    return EXECUTORS[executor](network._branch_set())(tokens, lineage)


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_executor_is_within_1e_5_of_the_whole_branches(executor: str, depth: int, rows: int) -> None:
    network, batch = make_network(depth), rows_of(rows)
    for lineage in (*LINEAGES, ("b2", "b5")):  # the last is no task's
        tokens = network.tokens(batch, lineage)
        whole = [network.branches[name](tokens[network.stem_ids[name]]).mean(1) for name in lineage]
        computed = residuals(network, executor, batch, lineage)
        assert len(computed) == len(lineage)
        for residual, expected in zip(computed, whole, strict=True):
            assert residual.shape == expected.shape
            assert (residual - expected).abs().max() < 1e-5


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_executor_on_another_device_is_within_1e_5_of_the_loop_on_the_cpu(
    executor: str, other_device: torch.device
) -> None:
    there, here, batch = make_network(2).to(other_device), make_network(2), rows_of(300)
    for lineage in LINEAGES:
        computed = residuals(there, executor, batch, lineage)
        assert {residual.device for residual in computed} <= {other_device}
        for residual, expected in zip(computed, residuals(here, "loop", batch, lineage), strict=True):
            assert (residual.cpu() - expected).abs().max() < 1e-5


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_executor_is_bitwise_deterministic(executor: str) -> None:
    network, rows = make_network(2), rows_of(7)
    for lineage in LINEAGES:
        first, again = (residuals(network, executor, rows, lineage) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_zero_residual_branch_adds_exactly_zero(executor: str) -> None:
    network = make_network(2)
    branch = network.branches["b2"]
    assert isinstance(branch, ResidualBranch)
    branch.zero_init_output()
    assert not residuals(network, executor, rows_of(4), LINEAGES[1])[1].any()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_no_rows_give_no_residuals(executor: str) -> None:
    assert [
        residual.shape for residual in residuals(make_network(1), executor, rows_of(0), ("b1", "b4"))
    ] == [(0, 16)] * 2
