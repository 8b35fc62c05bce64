"""Was growing worth it? Rivals of a growth, on the same rows for the same compute; the cheapest is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from growlearn.domain.evaluation import Cell
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import WorthSpec
from growlearn.domain.lineage import Manifest
from growlearn.domain.worth import Contender, Means, Worth
from growlearn.evaluation.answers import load
from growlearn.evaluation.worth import weigh
from growlearn.growth.model.network import load_network
from growlearn.growth.rivals import fine_tuned, head_alone
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.ports import Ports, Question, Report

RIVALS: dict[Means, Callable[[GrowthPlan], GrowthPlan | None]] = {
    Means.HEAD: head_alone,
    Means.FINE_TUNE: fine_tuned,
}
"""Rivals that are trained, the cheapest first; a plan is None where there is nothing to train so."""

_WARMING, _TIMED = 5, 15


@dataclass(frozen=True)
class Grown:
    """A plan and what came of it; `known` is what the best known task answers to the hold-out as it is.

    `worth` says what it was compared with, None where nothing was.
    """

    plan: GrowthPlan
    result: GrowthResult
    known: Cell | None = None
    worth: Worth | None = None


def cheapest(grown: Grown, spec: WorthSpec, ports: Ports, report: Report) -> Grown:
    """The cheapest of the growth and its rivals that none beats on the task's hold-out rows.

    Where doing nothing wins, the growth is given back, with the comparison that a gate will refuse it by.
    """
    rivals = {
        means: Grown(plan, ports.engine.run(plan, report))
        for means, of in RIVALS.items()
        if means in spec.rivals and (plan := of(grown.plan)) is not None
    }
    entrants = {**rivals, Means.BRANCH: grown}
    worth = _worth(entrants, spec, ports)
    if worth is None:
        return grown
    won = entrants.get(worth.winner, grown)
    plan = replace(won.plan, route=grown.plan.route)
    return Grown(plan, replace(won.result, router=grown.result.router), grown.known, worth)


def _worth(entrants: dict[Means, Grown], spec: WorthSpec, ports: Ports) -> Worth | None:
    plan, known = entrants[Means.BRANCH].plan, entrants[Means.BRANCH].known
    question = Question(task=plan.task, rows=plan.holdout)
    contenders = [_contender(means, each, question, ports) for means, each in entrants.items()]
    if Means.NOTHING in spec.rivals and known is not None:
        contenders.insert(0, _as_it_is(known, plan, ports))
    if len(contenders) == 1 or any(each.cell.answers is None for each in contenders):
        return None
    right = {each.means: load(ports.artifacts.get(str(each.cell.answers))).right for each in contenders}
    return weigh(contenders, right, spec.alpha, spec.min_effect)


def _contender(means: Means, grown: Grown, question: Question, ports: Ports) -> Contender:
    manifest = grown.result.manifest_of(grown.plan)
    (cell,) = ports.evaluator.evaluate(manifest, [question])
    return Contender(
        means=means,
        cell=cell,
        parameters=grown.result.parameters,
        branches=len(grown.result.lineage),
        latency_s=_latency_s(manifest, question, ports),
        seconds=grown.result.seconds,
        validation_loss=grown.result.best_loss,
    )


def _as_it_is(known: Cell, plan: GrowthPlan, ports: Ports) -> Contender:
    question = Question(task=known.task, rows=plan.holdout)
    return Contender(
        means=Means.NOTHING,
        cell=known,
        parameters=0,
        branches=len(plan.base.task(known.task).lineage),
        latency_s=_latency_s(plan.base, question, ports),
        seconds=0.0,
    )


def _latency_s(manifest: Manifest, question: Question, ports: Ports) -> float:
    """Median time of an answer to one row, on this machine."""
    network = load_network(manifest, ports.artifacts.get)
    rows = from_parquet(ports.artifacts.get(question.rows), manifest.schema)
    return median(_times(lambda one: network.logits(one, question.task), rows.take(np.arange(1))))


def _times(answer: Callable[[Rows], object], row: Rows) -> Sequence[float]:
    took = []
    for _ in range(_WARMING + _TIMED):
        started = time.perf_counter()
        answer(row)
        took.append(time.perf_counter() - started)
    return took[_WARMING:]
