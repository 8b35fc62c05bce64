"""The result of a plan without an epoch, and the cost of an epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.adapters.engines.dry_run import DryRunEngine
from growlearn.domain.growth import BranchInit
from growlearn.growth.train import init_without_training, measure_seconds_per_row
from growlearn.network.model.network import load_network


def test_an_untrained_result_has_a_fitted_head_and_no_epoch(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1, 2))
    result = init_without_training(plan, builder.artifacts)
    assert (result.epochs, result.best_epoch) == ((), 0)
    assert result.best_loss < result.initial_loss  # the fitted head
    assert result.branches == result.initial_branches
    assert result.router is not None


@pytest.mark.parametrize("init", [BranchInit.RESIDUAL, BranchInit.WARM_START])
def test_its_parent_keeps_its_logits(builder: Any, init: BranchInit) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    lineage = ("b1",) if init is BranchInit.RESIDUAL else ()
    plan = builder.plan(builder.only(2, 3), "task-1", init=init, lineage=lineage)
    result = init_without_training(plan, builder.artifacts)
    rows = builder.only(2, 3)
    network = load_network(result.build_manifest(plan), builder.artifacts.get)
    class_indices = network.logits(rows, "task-2").argmax(1)
    assert (class_indices == (rows.labels == 3)).mean() > 0.9
    before = load_network(plan.parent_manifest, builder.artifacts.get).logits(rows, "task-1")
    assert (network.logits(rows, "task-1") == before).all()


def test_the_cost_of_a_row_is_that_of_training(builder: Any) -> None:
    plan = builder.plan(builder.digits)
    trained = builder.grow(plan)
    seconds = sum(epoch.seconds for epoch in trained.epochs) / len(trained.epochs) / trained.train_rows
    measured = measure_seconds_per_row(plan, builder.artifacts)
    assert seconds / 30 < measured < seconds * 30  # other work shares the machine


def test_a_dry_run_reports_the_seconds_of_its_training(builder: Any) -> None:
    plan = builder.plan(builder.only(0, 1))
    engine = DryRunEngine(builder.artifacts, 0.5)
    (result,) = engine.run([plan], lambda _: None)
    assert result.seconds == result.train_rows * plan.growth.epochs * 0.5
    (short,) = engine.run([replace(plan, growth=replace(plan.growth, epochs=1))], lambda _: None)
    assert short.seconds == result.train_rows * 0.5
    measuring = DryRunEngine(builder.artifacts)
    measuring.run([plan], lambda _: None)
    assert measuring.seconds_per_row is not None
    assert measuring.seconds_per_row > 0
