"""Candidates of a growth side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.domain.growth import Birth, GrowthPlan, ParentScore
from growlearn.domain.job import SearchSpec
from growlearn.registry.story import story_of_window
from growlearn.searching import candidates, search
from tests.unit.growth.conftest import Nursery, digits
from tests.unit.growth.conftest import nursery as nursery_of_growth
from tests.unit.test_cycle import JOB, World
from tests.unit.test_cycle import digits as images_and_labels

__all__ = ["digits", "images_and_labels", "nursery_of_growth"]  # fixtures


@dataclass
class Oracle:
    """An engine that knows how good each plan would be, and counts epochs."""

    losses: dict[tuple[float, int], float]
    spent: list[int] = field(default_factory=list)

    def run(self, plan: GrowthPlan, report: Any) -> Any:
        assert not plan.route
        self.spent.append(plan.growth.epochs)
        return type("Result", (), {
            "best_loss": self.losses[plan.growth.learning_rate, plan.seed], "best_epoch": 0, "epochs": (),
            "seconds": 2.0 * plan.growth.epochs,
        })()  # fmt: skip


@pytest.fixture
def plan(nursery_of_growth: Nursery) -> GrowthPlan:
    return replace(nursery_of_growth.plan(nursery_of_growth.only(0, 1)), seed=7)


SCORES = (
    ParentScore(task=None, lineage=(), accuracy=0.9, birth=Birth.OWN),
    ParentScore(task="task-1", lineage=(), accuracy=0.8, birth=Birth.COPY),
)
SPEC = SearchSpec(learning_rates=(0.1, 0.2, 0.3), epochs=24)


def test_a_plan_that_is_the_only_candidate_is_not_tried(plan: GrowthPlan) -> None:
    engine = Oracle({})
    assert search(plan, SearchSpec(), engine, lambda _: None) is plan  # type: ignore[arg-type]
    assert engine.spent == []


def test_the_better_half_goes_on_with_the_same_budget(plan: GrowthPlan) -> None:
    rate = plan.growth.learning_rate
    engine = Oracle({(rate, 7): 0.5, (0.1, 7): 0.4, (0.2, 7): math.nan, (0.3, 7): 0.3})

    best = search(plan, SPEC, engine, lambda _: None)  # type: ignore[arg-type]

    assert engine.spent == [3, 3, 3, 3, 6, 6]
    assert best.growth.learning_rate == 0.3
    assert best.growth.epochs == plan.growth.epochs
    assert [trial.seconds for trial in best.trials] == [6.0, 6.0, 6.0, 6.0, 12.0, 12.0]
    assert [trial.learning_rate for trial in best.trials] == [rate, 0.1, 0.2, 0.3, 0.1, 0.3]
    assert replace(best, trials=(), growth=plan.growth) == plan


def test_of_equals_the_plan_itself_is_chosen(plan: GrowthPlan) -> None:
    rates = (plan.growth.learning_rate, 0.1, 0.2, 0.3)
    best = search(plan, SPEC, Oracle({(r, 7): 0.5 for r in rates}), lambda _: None)  # type: ignore[arg-type]
    assert replace(best, trials=()) == plan


def test_there_is_a_candidate_for_each_rate_seed_and_start(plan: GrowthPlan) -> None:
    scored = replace(
        plan,
        parent_scores=(
            ParentScore(task=None, lineage=(), accuracy=0.9, birth=Birth.OWN),
            ParentScore(task=None, lineage=(), accuracy=0.8, birth=Birth.ZERO),
        ),
    )
    found = candidates(scored, SearchSpec(seeds=2, starts=3, learning_rates=(0.1,), epochs=48))
    assert found[0] == scored
    assert len({(each.growth.learning_rate, each.seed) for each in found}) == len(found) == 4


def test_another_start_is_a_plan_of_its_own(nursery_of_growth: Nursery) -> None:
    nursery = nursery_of_growth
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    plan = nursery.plan(nursery.only(0, 1), birth=Birth.OWN, parent_scores=SCORES)
    _, other = candidates(plan, SearchSpec(starts=2))
    assert (other.parent, other.birth, other.copy_head) == ("task-1", Birth.COPY, True)


def test_the_first_growth_is_searched_and_later_ones_take_its_rate_over(
    tmp_path: Path, images_and_labels: Any
) -> None:
    images, labels = images_and_labels
    timid = replace(JOB.growth, learning_rate=0.0001)
    job = replace(JOB, growth=timid, search=SearchSpec(learning_rates=(0.002,), epochs=4))
    world = World(tmp_path, job)
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", 255 - images[400:900], labels[400:900])

    first, second = (world.store.record("digits", window).plan for window in ("w1", "w2"))
    assert isinstance(first, GrowthPlan)
    assert isinstance(second, GrowthPlan)
    assert [trial.epochs for trial in first.trials] == [2, 2]
    assert first.growth.learning_rate == 0.002
    assert (second.growth.learning_rate, second.trials) == (0.002, ())
    story = story_of_window(world.store, "digits", "w1")
    (tried,) = (chapter.lines for chapter in story if chapter.heading == "What was tried")
    assert len(tried) == 2
    assert "learning rate 0.002, seed 1: validation loss " in tried[1]


def test_a_job_that_names_the_birth_gets_no_other(nursery_of_growth: Nursery) -> None:
    nursery = nursery_of_growth
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    plan = nursery.plan(nursery.only(0, 1), birth=Birth.COPY, parent="task-1", parent_scores=SCORES)
    named = replace(plan, growth=replace(plan.growth, birth="copy"))
    assert [each.birth for each in candidates(plan, SearchSpec(starts=2))] == [Birth.COPY, Birth.OWN]
    assert [each.birth for each in candidates(named, SearchSpec(starts=2))] == [Birth.COPY]
