"""Candidates of a growth side by side: successive halving on validation rows within a budget of epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from growlearn.domain.growth import BranchInit, GrowthPlan, GrowthResult, ProbeScore, SearchTrial
from growlearn.domain.growth_config import HyperparameterSearchConfig
from growlearn.domain.metric import METRICS, MetricName
from growlearn.ports import Engine, ProgressCallback

_SEED_STRIDE = 1_000_003  # seeds of one growth lie so far apart, those of windows nearer


def search_hyperparameters(
    plan: GrowthPlan, config: HyperparameterSearchConfig, engine: Engine, on_progress: ProgressCallback
) -> GrowthPlan:
    """The best of a plan's candidates on validation rows, as a plan to be trained in full.

    By the validation loss of the best epoch where the plan's metric is accuracy, else by the metric.

    Successive halving (Jamieson and Talwalkar 2016): each round gets an equal part of the budget, spent
    evenly on the candidates left, and the better half goes on. Hold-out rows are not looked at. The plan
    itself is the first candidate and wins ties; it comes back as it is where it is the only one.
    """
    remaining = make_search_candidates(plan, config)
    if len(remaining) == 1:
        return plan
    rounds, trials = math.ceil(math.log2(len(remaining))), list[SearchTrial]()
    while len(remaining) > 1:
        epochs = config.epoch_budget // (rounds * len(remaining))  # 1 or more: the spec sees to it
        round_trials = _run_trials(remaining, epochs, engine, on_progress)
        trials += round_trials
        costs = [_cost(trial, plan.metric) for trial in round_trials]
        order = sorted(range(len(remaining)), key=costs.__getitem__)
        remaining = [remaining[index] for index in sorted(order[: math.ceil(len(remaining) / 2)])]
    return replace(remaining[0], trials=tuple(trials))


def _cost(trial: SearchTrial, metric: MetricName) -> float:
    """What to choose the least of; one that is no number is the worst."""
    cost = trial.loss if trial.value is None else -METRICS[metric].merit(trial.value)
    return math.inf if math.isnan(cost) else cost


def make_search_candidates(plan: GrowthPlan, config: HyperparameterSearchConfig) -> list[GrowthPlan]:
    """One for each start, learning rate and seed, the plan as it is first."""
    rates = dict.fromkeys((plan.growth.learning_rate, *config.learning_rates))
    seeds = [plan.seed + index * _SEED_STRIDE for index in range(config.num_seeds)]
    return [
        replace(init_plan, seed=seed, growth=replace(plan.growth, learning_rate=rate))
        for init_plan, rate, seed in product(_candidate_inits(plan, config.num_inits), rates, seeds)
    ]


def _candidate_inits(plan: GrowthPlan, max_inits: int) -> list[GrowthPlan]:
    """The plan, and it with the next best starts that bring a stem of their own, of those the job allows."""
    inits = (
        [BranchInit.WARM_START, BranchInit.SCRATCH]
        if plan.growth.init == "auto"
        else [BranchInit(plan.growth.init)]
    )
    own_stem_scores = [
        score for score in plan.probe_scores if score.init in inits and score.init is not BranchInit.RESIDUAL
    ]
    other_scores = [
        score for score in own_stem_scores if (score.init, score.task) != (plan.init, plan.parent_task)
    ]
    return [plan, *(_with_init(plan, score) for score in other_scores[: max_inits - 1])]


def _with_init(plan: GrowthPlan, score: ProbeScore) -> GrowthPlan:
    parent = None if score.task is None else plan.parent_manifest.task(score.task)
    return replace(
        plan,
        parent_task=score.task,
        lineage=score.lineage,
        init=score.init,
        init_head_from_parent=parent is not None and parent.classes == plan.classes,
    )


def _run_trials(
    plans: Sequence[GrowthPlan], epochs: int, engine: Engine, on_progress: ProgressCallback
) -> list[SearchTrial]:
    short_plans = [
        replace(plan, growth=replace(plan.growth, epochs=epochs), train_router=False) for plan in plans
    ]
    results = engine.run(short_plans, on_progress)
    return [_make_trial(plan, result) for plan, result in zip(short_plans, results, strict=True)]


def _make_trial(plan: GrowthPlan, result: GrowthResult) -> SearchTrial:
    accuracy_by_epoch = {epoch.epoch: epoch.validation_accuracy for epoch in result.epochs}
    return SearchTrial(
        learning_rate=plan.growth.learning_rate,
        seed=plan.seed,
        init=plan.init,
        parent_task=plan.parent_task,
        epochs=plan.growth.max_epochs,
        loss=result.best_loss,
        accuracy=accuracy_by_epoch.get(result.best_epoch, math.nan),
        seconds=result.seconds,
        value=result.validation_value,
    )
