"""Which plan a loaded model runs its branches by."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.domain.execution import Execution
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.execution import ALONE
from growlearn.growth.model.execution.choice import Measured, measured
from growlearn.growth.model.execution.loop import Loop
from growlearn.growth.model.execution.parts import Parts
from growlearn.growth.model.execution.stacked import Stacked
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.stems.stem import new_stem
from growlearn.ingest.rows import Rows, blank_row

from .conftest import MODEL, SCHEMA


@dataclass(frozen=True)
class Sleeping:
    """A plan whose time depends on the number of rows."""

    one_s: float
    many_s: float

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        (z,) = tokens.values()
        time.sleep(self.one_s if len(z) == 1 else self.many_s)
        return [z.mean(1) for _ in lineage]


def test_the_fastest_plan_is_chosen_for_one_row_and_for_many() -> None:
    plans = {"quick to start": Sleeping(0.0, 0.003), "quick with many": Sleeping(0.003, 0.0)}
    choice = measured(plans, {"b1": torch.zeros(1, 2, 4)}, ("b1",))
    assert choice.names == ("quick to start", "quick with many")
    assert (choice.one, choice.many) == tuple(plans.values())


def test_one_row_goes_by_the_one_plan_and_two_by_the_other() -> None:
    seen: list[str] = []

    def plan(name: str) -> Sleeping:
        class Told(Sleeping):
            def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
                seen.append(name)
                return []

        return Told(0, 0)

    choice = Measured(plan("one"), plan("many"), ("one", "many"))
    for rows in (1, 2):
        choice({"b1": torch.zeros(rows, 2, 4)}, ())
    assert seen == ["one", "many"]


def network(digits: Rows) -> GrowingNetwork:
    grown = GrowingNetwork(MODEL)
    for name in ("b1", "b2"):
        stem = new_stem(SCHEMA, MODEL, digits) if name == "b1" else None
        grown.add_branch(name, Branch(MODEL), "b1", stem)
    grown.lineages.append(("b1", "b2"))
    return grown.requires_grad_(False).eval()


def test_a_network_runs_by_the_loop_until_it_is_told_otherwise(digits: Rows) -> None:
    grown, rows = network(digits), digits.take(np.arange(5))
    assert isinstance(grown.plan, Loop)
    expected = grown.pooled(rows, ("b1", "b2"))
    grown.execute(Execution.STACKED, rows)
    assert isinstance(grown.plan, Stacked)
    assert np.abs(grown.pooled(rows, ("b1", "b2")) - expected).max() < 1e-5
    grown.execute(Execution.LOOP, rows)
    assert np.array_equal(grown.pooled(rows, ("b1", "b2")), expected)


def test_a_measured_network_keeps_what_was_fastest(digits: Rows) -> None:
    grown = network(digits)
    grown.execute(Execution.MEASURED, blank_row(SCHEMA))
    plan = grown.plan
    assert isinstance(plan, Measured)
    assert set(plan.names) <= set(ALONE)
    grown.pooled(digits.take(np.arange(3)), ("b1", "b2"))
    assert grown.plan is plan


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_pooled_residual_is_the_mean_of_the_whole_one(depth: int) -> None:
    torch.manual_seed(0)
    branch, z = Branch(replace(MODEL, depth=depth)), torch.randn(3, 5, MODEL.width)
    assert (branch.pooled(z) - branch(z).mean(1)).abs().max() < 1e-6


def test_the_stacked_plan_copies_only_the_lineages_of_tasks(digits: Rows) -> None:
    grown = network(digits)
    grown.execute(Execution.STACKED, digits)
    assert isinstance(grown.plan, Stacked)
    assert list(grown.plan.stacks) == [("b1", "b2")]
    assert Parts(grown.branches, grown.stem_of, ()).branch("b2") is grown.branches["b2"]
