"""What a plan is before its first epoch, and what an epoch of it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.adapters.engines.stand_in import StandInEngine
from growlearn.domain.growth import Birth
from growlearn.growth.model.network import load_network
from growlearn.growth.train import bear, seconds_a_row


def test_a_plan_that_is_only_born_has_a_fitted_head_and_no_epoch(nursery: Any) -> None:
    plan = nursery.plan(nursery.only(0, 1, 2))
    born = bear(plan, nursery.artifacts)
    assert (born.epochs, born.best_epoch) == ((), 0)
    assert born.best_loss < born.birth_loss  # the head alone
    assert born.branches == born.birth_branches
    assert born.router is not None


@pytest.mark.parametrize("birth", [Birth.ZERO, Birth.COPY])
def test_what_it_was_born_from_answers_as_before(nursery: Any, birth: Birth) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    lineage = ("b1",) if birth is Birth.ZERO else ()
    plan = nursery.plan(nursery.only(2, 3), "task-1", birth=birth, lineage=lineage)
    born = bear(plan, nursery.artifacts)
    rows = nursery.only(2, 3)
    network = load_network(born.manifest_of(plan), nursery.artifacts.get)
    places = network.logits(rows, "task-2").argmax(1)
    assert (places == (rows.labels == 3)).mean() > 0.9
    before = load_network(plan.base, nursery.artifacts.get).logits(rows, "task-1")
    assert (network.logits(rows, "task-1") == before).all()


def test_the_cost_of_a_row_is_that_of_training(nursery: Any) -> None:
    plan = nursery.plan(nursery.digits)
    trained = nursery.grow(plan)
    told = sum(epoch.seconds for epoch in trained.epochs) / len(trained.epochs) / trained.train_rows
    assert told / 30 < seconds_a_row(plan, nursery.artifacts) < told * 30  # other work shares the machine


def test_a_stand_in_says_what_its_training_would_take(nursery: Any) -> None:
    plan = nursery.plan(nursery.only(0, 1))
    engine = StandInEngine(nursery.artifacts, 0.5)
    result = engine.run(plan, lambda _: None)
    assert result.seconds == result.train_rows * plan.growth.epochs * 0.5
    assert engine.run(replace(plan, growth=replace(plan.growth, epochs=1)), lambda _: None).seconds == (
        result.train_rows * 0.5
    )
    measuring = StandInEngine(nursery.artifacts)
    measuring.run(plan, lambda _: None)
    assert measuring.seconds_a_row is not None
    assert measuring.seconds_a_row > 0
