"""The executor that a loaded model runs its branches with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.domain.execution import Execution
from growlearn.domain.growth import Combination
from growlearn.ingest.rows import Rows, make_dummy_row
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution import EXECUTORS
from growlearn.network.model.execution.choice import AutoExecutor, choose_fastest
from growlearn.network.model.execution.loop import LoopExecutor
from growlearn.network.model.execution.parts import BranchSet
from growlearn.network.model.execution.stacked import StackedExecutor
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import HeadSum
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.stems.stem import make_stem
from tests.unit.digits import SCHEMA
from tests.unit.model_builder import MODEL


@dataclass(frozen=True)
class Sleeping:
    """An executor whose time depends on the number of rows."""

    one_s: float
    many_s: float

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        (z,) = tokens.values()
        time.sleep(self.one_s if len(z) == 1 else self.many_s)
        return [z.mean(1) for _ in lineage]


def test_the_fastest_executor_is_chosen_for_one_row_and_for_many() -> None:
    executors = {"fast for one": Sleeping(0.0, 0.003), "fast for many": Sleeping(0.003, 0.0)}
    choice = choose_fastest(executors, {"b1": torch.zeros(1, 2, 4)}, ("b1",))
    assert choice.names == ("fast for one", "fast for many")
    assert (choice.single_row, choice.many_rows) == tuple(executors.values())


def test_one_row_runs_with_one_executor_and_two_rows_with_the_other() -> None:
    seen: list[str] = []

    def make_executor(name: str) -> Sleeping:
        class Recording(Sleeping):
            def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
                seen.append(name)
                return []

        return Recording(0, 0)

    choice = AutoExecutor(make_executor("one"), make_executor("many"), ("one", "many"))
    for rows in (1, 2):
        choice({"b1": torch.zeros(rows, 2, 4)}, ())
    assert seen == ["one", "many"]


def network(digit_rows: Rows) -> GrowingNetwork:
    model = GrowingNetwork(MODEL)
    for name in ("b1", "b2"):
        stem = make_stem(SCHEMA, MODEL, digit_rows) if name == "b1" else None
        model.add_branch(name, ResidualBranch(MODEL), "b1", stem)
    model.lineages.append(("b1", "b2"))
    return model.requires_grad_(False).eval()


def test_a_network_runs_with_the_loop_by_default(digit_rows: Rows) -> None:
    model, rows = network(digit_rows), digit_rows.take(np.arange(5))
    assert isinstance(model.executor, LoopExecutor)
    expected = model.pooled_features(rows, ("b1", "b2"))
    model.set_execution(Execution.STACKED, rows)
    assert isinstance(model.executor, StackedExecutor)
    assert np.abs(model.pooled_features(rows, ("b1", "b2")) - expected).max() < 1e-5
    model.set_execution(Execution.LOOP, rows)
    assert np.array_equal(model.pooled_features(rows, ("b1", "b2")), expected)


def test_auto_keeps_the_fastest_executors(digit_rows: Rows) -> None:
    model = network(digit_rows)
    model.set_execution(Execution.AUTO, make_dummy_row(SCHEMA))
    executor = model.executor
    assert isinstance(executor, AutoExecutor)
    assert set(executor.names) <= set(EXECUTORS)
    model.pooled_features(digit_rows.take(np.arange(3)), ("b1", "b2"))
    assert model.executor is executor


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_pooled_residual_is_the_mean_over_tokens(depth: int) -> None:
    torch.manual_seed(0)
    branch, z = ResidualBranch(replace(MODEL, depth=depth)), torch.randn(3, 5, MODEL.embed_dim)
    assert (branch.pooled(z) - branch(z).mean(1)).abs().max() < 1e-6


def test_the_stacked_executor_copies_only_the_lineages_of_tasks(digit_rows: Rows) -> None:
    model = network(digit_rows)
    model.set_execution(Execution.STACKED, digit_rows)
    assert isinstance(model.executor, StackedExecutor)
    assert list(model.executor.stacks) == [("b1", "b2")]
    assert BranchSet(model.branches, model.stem_ids, ()).get_branch("b2") is model.branches["b2"]


@pytest.mark.parametrize("execution", Execution)
def test_every_execution_runs_a_sum_of_heads_over_three_branches(
    digit_rows: Rows, execution: Execution
) -> None:
    torch.manual_seed(0)
    model = GrowingNetwork(MODEL)
    lineage = ("b1", "b2", "b3")
    for name in lineage:
        stem = make_stem(SCHEMA, MODEL, digit_rows) if name == "b1" else None
        model.add_branch(name, ResidualBranch(MODEL), "b1", stem)
    heads = [Head(4, MODEL.embed_dim, 10) for _ in lineage]
    steps = [Combination(frozen_weight=1.0, step_size=s) for s in (1.0, 0.3, 0.3)]
    model.add_task("digits", range(10), lineage, HeadSum(heads, steps))
    model.requires_grad_(False)
    rows = digit_rows.take(np.arange(70))
    expected = model.logits(rows, "digits")
    model.set_execution(execution, make_dummy_row(SCHEMA))
    assert np.abs(model.logits(rows, "digits") - expected).max() < 1e-5
    single = np.concatenate([model.logits(rows.take(np.array([i])), "digits") for i in range(3)])
    assert np.abs(single - expected[:3]).max() < 1e-5
