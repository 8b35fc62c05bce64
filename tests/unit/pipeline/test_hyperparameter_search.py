"""Candidates of one growth, compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.domain.growth import BranchInit, GrowthPlan, ProbeScore
from growlearn.domain.growth_config import HyperparameterSearchConfig
from growlearn.domain.metric import MetricName
from growlearn.pipeline.hyperparameter_search import make_search_candidates, search_hyperparameters
from growlearn.registry.decision_report import explain_window
from tests.unit.in_memory import JOB, NO_BASELINES, World
from tests.unit.model_builder import ModelBuilder


@dataclass
class Oracle:
    """An engine with a fixed loss per plan that counts epochs."""

    losses: dict[tuple[float, int], float]
    values: dict[tuple[float, int], float] = field(default_factory=dict)  # of the metric
    spent: list[int] = field(default_factory=list)

    def run(self, plans: Sequence[GrowthPlan], on_progress: Any) -> Any:
        return [self._run(plan) for plan in plans]

    def _run(self, plan: GrowthPlan) -> Any:
        assert not plan.train_router
        self.spent.append(plan.growth.max_epochs)
        return type("Result", (), {
            "best_loss": self.losses[plan.growth.learning_rate, plan.seed], "best_epoch": 0, "epochs": (),
            "seconds": 2.0 * plan.growth.max_epochs,
            "validation_value": self.values.get((plan.growth.learning_rate, plan.seed)),
        })()  # fmt: skip


@pytest.fixture
def plan(builder: ModelBuilder) -> GrowthPlan:
    return replace(builder.plan(builder.only(0, 1)), seed=7)


SCORES = (
    ProbeScore(task=None, lineage=(), accuracy=0.9, init=BranchInit.SCRATCH),
    ProbeScore(task="task-1", lineage=(), accuracy=0.8, init=BranchInit.WARM_START),
)
CONFIG = HyperparameterSearchConfig(learning_rates=(0.1, 0.2, 0.3), epoch_budget=24)


def test_a_single_candidate_is_not_tried(plan: GrowthPlan) -> None:
    engine = Oracle({})
    assert search_hyperparameters(plan, HyperparameterSearchConfig(), engine, lambda _: None) is plan  # type: ignore[arg-type]
    assert engine.spent == []


def test_the_better_half_continues_with_the_same_budget(plan: GrowthPlan) -> None:
    rate = plan.growth.learning_rate
    engine = Oracle({(rate, 7): 0.5, (0.1, 7): 0.4, (0.2, 7): math.nan, (0.3, 7): 0.3})

    best = search_hyperparameters(plan, CONFIG, engine, lambda _: None)  # type: ignore[arg-type]

    assert engine.spent == [3, 3, 3, 3, 6, 6]
    assert best.growth.learning_rate == 0.3
    assert best.growth.epochs == plan.growth.max_epochs
    assert [trial.seconds for trial in best.trials] == [6.0, 6.0, 6.0, 6.0, 12.0, 12.0]
    assert [trial.learning_rate for trial in best.trials] == [rate, 0.1, 0.2, 0.3, 0.1, 0.3]
    assert replace(best, trials=(), growth=plan.growth) == plan


@pytest.mark.parametrize(
    ("metric", "expected"), [(MetricName.AVERAGE_PRECISION, 0.2), (MetricName.LOG_LOSS, 0.1)]
)
def test_by_another_metric_its_best_value_is_kept(
    plan: GrowthPlan, metric: MetricName, expected: float
) -> None:
    rate = plan.growth.learning_rate
    losses = {(rate, 7): 0.2, (0.1, 7): 0.4, (0.2, 7): 0.3}
    engine = Oracle(losses, {(rate, 7): 0.5, (0.1, 7): 0.4, (0.2, 7): 0.6})
    config = HyperparameterSearchConfig(learning_rates=(0.1, 0.2), epoch_budget=24)
    best = search_hyperparameters(replace(plan, metric=metric), config, engine, lambda _: None)  # type: ignore[arg-type]
    assert best.growth.learning_rate == expected
    assert {trial.value for trial in best.trials[:3]} == {0.4, 0.5, 0.6}


def test_of_equals_the_plan_itself_is_selected(plan: GrowthPlan) -> None:
    rates = (plan.growth.learning_rate, 0.1, 0.2, 0.3)
    best = search_hyperparameters(plan, CONFIG, Oracle({(r, 7): 0.5 for r in rates}), lambda _: None)  # type: ignore[arg-type]
    assert replace(best, trials=()) == plan


def test_there_is_a_candidate_for_each_rate_seed_and_initialisation(plan: GrowthPlan) -> None:
    scored = replace(
        plan,
        probe_scores=(
            ProbeScore(task=None, lineage=(), accuracy=0.9, init=BranchInit.SCRATCH),
            ProbeScore(task=None, lineage=(), accuracy=0.8, init=BranchInit.RESIDUAL),
        ),
    )
    candidates = make_search_candidates(
        scored, HyperparameterSearchConfig(num_seeds=2, num_inits=3, learning_rates=(0.1,), epoch_budget=48)
    )
    assert candidates[0] == scored
    assert len({(item.growth.learning_rate, item.seed) for item in candidates}) == len(candidates) == 4


def test_another_initialisation_is_another_plan(builder: ModelBuilder) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = builder.plan(builder.only(0, 1), init=BranchInit.SCRATCH, probe_scores=SCORES)
    _, other = make_search_candidates(plan, HyperparameterSearchConfig(num_inits=2))
    assert (other.parent_task, other.init, other.init_head_from_parent) == (
        "task-1",
        BranchInit.WARM_START,
        True,
    )


def test_the_first_growth_is_searched_and_later_ones_use_its_rate(tmp_path: Path, digits: Any) -> None:
    images, labels = digits
    slow = replace(JOB.growth, learning_rate=0.0001)
    job = replace(
        JOB,
        growth=slow,
        baseline_comparison=NO_BASELINES,
        hyperparameter_search=HyperparameterSearchConfig(learning_rates=(0.002,), epoch_budget=4),
    )
    world = World(tmp_path, job)
    world.send("1.parquet", images[:300], labels[:300])
    world.send("2.parquet", 255 - images[300:600], labels[300:600])

    first, second = (world.store.window_record("digits", window).plan for window in ("w1", "w2"))
    assert isinstance(first, GrowthPlan)
    assert isinstance(second, GrowthPlan)
    assert [trial.epochs for trial in first.trials] == [2, 2]
    assert first.growth.learning_rate == 0.002
    assert (second.growth.learning_rate, second.trials) == (0.002, ())
    report = explain_window(world.store, "digits", "w1")
    (trials,) = (section.lines for section in report if section.heading == "Hyperparameter search")
    assert len(trials) == 2
    assert "learning rate 0.002, seed 1: validation loss " in trials[1]


def test_a_job_that_names_the_initialisation_gets_no_other(builder: ModelBuilder) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = builder.plan(builder.only(0, 1), init=BranchInit.WARM_START, parent="task-1", probe_scores=SCORES)
    named = replace(plan, growth=replace(plan.growth, init="warm_start"))
    assert [item.init for item in make_search_candidates(plan, HyperparameterSearchConfig(num_inits=2))] == [
        BranchInit.WARM_START,
        BranchInit.SCRATCH,
    ]
    assert [item.init for item in make_search_candidates(named, HyperparameterSearchConfig(num_inits=2))] == [
        BranchInit.WARM_START
    ]
