"""Candidates of a growth side by side: successive halving on validation rows within a budget of epochs."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

from growlearn.domain.growth import Birth, GrowthPlan, ParentScore, Trial
from growlearn.domain.job import SearchSpec
from growlearn.ports import Engine, Report

_SEEDS_APART = 1_000_003  # seeds of one growth lie so far apart, those of windows nearer


def search(plan: GrowthPlan, spec: SearchSpec, engine: Engine, report: Report) -> GrowthPlan:
    """The best of a plan's candidates by validation loss, as a plan to be trained in full.

    Successive halving (Jamieson and Talwalkar 2016): each round gets an equal part of the budget, spent
    evenly on the candidates left, and the better half goes on. Hold-out rows are not looked at. The plan
    itself is the first candidate and wins ties; it comes back as it is where it is the only one.
    """
    left = candidates(plan, spec)
    if len(left) == 1:
        return plan
    rounds, trials = math.ceil(math.log2(len(left))), list[Trial]()
    while len(left) > 1:
        epochs = spec.epochs // (rounds * len(left))  # 1 or more: the spec sees to it
        tried = [_try(each, epochs, engine, report) for each in left]
        trials += tried
        order = sorted(range(len(left)), key=[_known(each.loss) for each in tried].__getitem__)
        left = [left[at] for at in sorted(order[: math.ceil(len(left) / 2)])]
    return replace(left[0], trials=tuple(trials))


def _known(loss: float) -> float:
    """A loss by which to choose; one that is no number is the worst."""
    return math.inf if math.isnan(loss) else loss


def candidates(plan: GrowthPlan, spec: SearchSpec) -> list[GrowthPlan]:
    """One for each start, learning rate and seed, the plan as it is first."""
    rates = dict.fromkeys((plan.growth.learning_rate, *spec.learning_rates))
    seeds = [plan.seed + number * _SEEDS_APART for number in range(spec.seeds)]
    return [
        replace(start, seed=seed, growth=replace(plan.growth, learning_rate=rate))
        for start, rate, seed in product(_starts(plan, spec.starts), rates, seeds)
    ]


def _starts(plan: GrowthPlan, most: int) -> list[GrowthPlan]:
    """The plan, and it with the next best starts that bring a stem of their own, of the births allowed."""
    births = [Birth.COPY, Birth.OWN] if plan.growth.birth == "auto" else [Birth(plan.growth.birth)]
    own = [score for score in plan.parent_scores if score.birth in births and score.birth is not Birth.ZERO]
    others = [score for score in own if (score.birth, score.task) != (plan.birth, plan.parent)]
    return [plan, *(_begun(plan, score) for score in others[: most - 1])]


def _begun(plan: GrowthPlan, score: ParentScore) -> GrowthPlan:
    parent = None if score.task is None else plan.base.task(score.task)
    return replace(
        plan,
        parent=score.task,
        lineage=score.lineage,
        birth=score.birth,
        copy_head=parent is not None and parent.classes == plan.classes,
    )


def _try(plan: GrowthPlan, epochs: int, engine: Engine, report: Report) -> Trial:
    short = replace(plan, growth=replace(plan.growth, epochs=epochs), route=False)
    result = engine.run(short, report)
    best = {epoch.epoch: epoch.validation_accuracy for epoch in result.epochs}
    return Trial(
        learning_rate=plan.growth.learning_rate,
        seed=plan.seed,
        birth=plan.birth,
        parent=plan.parent,
        epochs=epochs,
        loss=result.best_loss,
        accuracy=best.get(result.best_epoch, math.nan),
        seconds=result.seconds,
    )
