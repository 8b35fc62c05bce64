"""A history through the steps of production, with a stand-in wherever production would train.

Windows are judged, matched and refused by the very code that handles them in production. What would be grown
is planned as there, but only its head is fitted, and the gates are not asked: the window ends promoted, so
that later ones are judged against the new task's own reference rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import accumulate

import numpy as np

from growlearn.cycle import STEPS, Steps, carry, wake
from growlearn.domain.backtest import Replay, Replayed
from growlearn.domain.drift import DriftReport
from growlearn.domain.drift_spec import PolicySpec
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthPlan, GrowthResult, Progress
from growlearn.domain.job import Job
from growlearn.domain.lineage import Manifest
from growlearn.domain.stream import Transition
from growlearn.domain.window import IngestedFile, Verdict, Window, WindowState
from growlearn.drift.naming import next_task
from growlearn.growth.model.network import load_network
from growlearn.ingest.rows import from_parquet
from growlearn.ports import Artifacts, Ports, Question, Report
from growlearn.registry.candidate import branches_of, task_of, version_of
from growlearn.registry.promotion import promote
from growlearn.steps import Stand, current_task, earlier_windows, end, move, stand_of, tasks_of

ENDLESS = 1_000_000
"""Branches a replayed model may have: a full one is taken as consolidated in time."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A policy to be replayed: a job's own, or, where `every` is given, one that looks at no data.

    Such a one grows on each window whose number of judged windows before it is a multiple of `every`, after
    the first task; 0 never does.
    """

    name: str
    job: Job
    every: int | None = None


def own(name: str, job: Job) -> Contender:
    """The policy of a job itself."""
    return Contender(name=name, job=_roomy(job))


def baselines(job: Job, every: int) -> tuple[Contender, ...]:
    """never, always and periodic, on the terms of a job but for its policy."""
    bare = replace(_roomy(job), policy=PolicySpec())
    return tuple(
        Contender(name=name, job=bare, every=step)
        for name, step in (("never", 0), ("always", 1), ("periodic", every))
    )


def as_often(replay: Replay) -> int:
    """Every how many windows to grow so as to train as often as a replay did after its first task.

    Once at least; the trainings are spread over the history evenly.
    """
    wanted = sum(window.grown and window.verdict is not Verdict.FIRST for window in replay.windows)
    return max(1, len(replay.windows) // (max(1, wanted) + 1))


def _roomy(job: Job) -> Job:
    return replace(job, consolidation=None, model=replace(job.model, max_branches=ENDLESS))


def dated(
    history: Sequence[IngestedFile], following: Callable[[datetime], datetime]
) -> tuple[IngestedFile, ...]:
    """The history as if its windows had come one by one; `following` is the next time one comes.

    Taken in all at once they would be of one instant, and budgets by the day or month would be of no use.
    """
    numbers = sorted({window.number for file in history for window in file.windows})
    moments = accumulate(numbers[1:], lambda moment, _: following(moment), initial=history[0].at)
    times = dict(zip(numbers, moments, strict=True))

    def spread(windows: Sequence[Window]) -> tuple[Window, ...]:
        return tuple(replace(window, discovered_at=times[window.number]) for window in windows)

    return tuple(replace(file, windows=spread(file.windows), filled=spread(file.filled)) for file in history)


def replay(
    contender: Contender,
    history: Sequence[IngestedFile],
    regimes: Mapping[str, str],
    ports: Ports,
    set_clock: Callable[[datetime], None],
    report: Report,
) -> Replay:
    """Every accepted window of a history, in order, under one policy.

    The ports' store holds the stream as it stands before the history, their engine stands in for training;
    `set_clock` moves their clock to when a window came. `regimes` are the true ones by window, where known.
    """
    store, name = ports.store, contender.job.name
    for file in history:
        store.record_ingest(file)
    total, steps = store.count_pending(name), _steps(contender)
    windows: dict[str, Replayed] = {}  # one that waited for labels and is judged anew stands at its place
    while (window := _next(name, ports)) is not None:
        report(Progress(stage=f"replaying {contender.name}", done=len(windows), total=total, note=window.id))
        if window.discovered_at > ports.clock.now():
            set_clock(window.discovered_at)
        before = stand_of(window, ports)
        active = _active(window, before, ports)
        done = carry(window, steps, ports, report)
        windows[window.id] = _replayed(done, before.manifest, active, regimes.get(window.id), ports)
    report(Progress(stage=f"replaying {contender.name}", done=total, total=total))
    return Replay(policy=contender.name, windows=tuple(windows.values()))


def _next(name: str, ports: Ports) -> Window | None:
    """The window to be handled next, as in production but for consolidations."""
    wake(name, ports)
    return ports.store.claim(name, ports.worker, ports.clock.now(), ports.lease_s)


def _active(window: Window, before: Stand, ports: Ports) -> str | None:
    """The task the stream was in before this window, or its newest where that is not one of the model's."""
    names = [head.name for head in before.manifest.tasks]
    current = current_task(window, ports.store)
    return current if current in names else names[-1] if names else None


# The steps ------------------------------------------------------------------------------------------


def _steps(contender: Contender) -> Steps:
    """Those of production, but for training and the gates; and for judging, where no data is looked at."""
    judged = {} if contender.every is None else {WindowState.ACCEPTED: partial(_by_rote, contender.every)}
    routed = contender.every is None  # only a judge asks the router
    return {**STEPS, **judged, WindowState.GROWING: partial(_bear, routed), WindowState.EVALUATED: _crown}


def _by_rote(every: int, stand: Stand, ports: Ports, _: Report) -> Transition:
    """From accepted to judged by counting alone."""
    window, store = stand.window, ports.store
    known = tasks_of(stand.manifest, store.tasks(window.stream))
    before = sum(each.verdict is not None for each in earlier_windows(window, store))
    opened = next_task([task.name for task in store.tasks(window.stream)])
    task: str | None
    if not known:
        verdict, task, reason = Verdict.FIRST, window.task or opened, "no task is known yet"
    elif every and before and before % every == 0:
        verdict, task, reason = Verdict.DRIFT, opened, f"grown every {every} windows, whatever they hold"
    else:
        task = _active(window, stand, ports)
        verdict, reason = Verdict.STABLE, "not looked at"
    found = DriftReport(verdict=verdict, task=task, reason=reason, alpha=stand.stream.job.drift.alpha)
    named = None if found.calls_for_growth else task
    return move(stand, ports, WindowState.JUDGED, verdict=verdict, task=named, reason=reason, report=found)


def _bear(routed: bool, stand: Stand, ports: Ports, report: Report) -> Transition:
    """From growing to evaluated: what the plan is born with, on the new task's own hold-out."""
    plan = ports.store.record(stand.window.stream, stand.window.id).plan
    assert isinstance(plan, GrowthPlan), "a growing window has its plan"
    result = ports.engine.run(replace(plan, route=plan.route and routed), report)
    question = Question(task=plan.task, rows=plan.holdout)
    (cell,) = ports.evaluator.evaluate(_alone(result.manifest_of(plan), plan.task), [question])
    evaluation = Evaluation(task=plan.task, cells=(cell,), before=cell, chance=1 / len(plan.classes))
    return move(stand, ports, WindowState.EVALUATED, result=result, evaluation=evaluation)


def _crown(stand: Stand, ports: Ports, _: Report) -> Transition:
    """From evaluated to promoted, whatever gates would say of a model that was not trained."""
    stream, at = stand.stream, ports.clock.now()
    record = ports.store.record(stream.name, stand.window.id)
    plan, result, evaluation = record.plan, record.result, record.evaluation
    assert isinstance(plan, GrowthPlan)
    assert isinstance(result, GrowthResult)
    assert evaluation is not None, "an evaluated window has plan, result and evaluation"
    version = version_of(plan, result, evaluation, stand.versions, stand.base, at)
    versions = (*stand.versions, version)
    moves, base = promote(stream, versions, version.number, "backtest", "a stand-in", at)
    return end(
        stand, ports, WindowState.PROMOTED, task=plan.task, version=version, base=base,
        base_before=plan.base_version, branches=branches_of(plan, result, version.number, at),
        opened=task_of(plan, result, version.number, at), alias_moves=moves,
    )  # fmt: skip


# What is told of a window ---------------------------------------------------------------------------


def _replayed(
    window: Window, before: Manifest, active: str | None, regime: str | None, ports: Ports
) -> Replayed:
    assert window.verdict is not None, "a window that was carried to its end was judged"
    matched = not window.verdict.calls_for_growth and any(h.name == window.task for h in before.tasks)
    correct, labelled = _answered(window, before, window.task if matched else active, ports.artifacts)
    result = ports.store.record(window.stream, window.id).result
    grown = isinstance(result, GrowthResult)
    runs = 2 if ports.store.stream(window.stream).job.evaluation.reference == "alone" else 1
    return Replayed(
        window=window.id,
        source=window.source,
        rows=window.rows,
        verdict=window.verdict,
        task=window.task if matched or grown else None,
        reason=window.reason,
        grown=grown,
        training_s=result.seconds * runs if isinstance(result, GrowthResult) else 0.0,
        correct=correct,
        labelled=labelled,
        regime=regime,
    )


def _answered(window: Window, model: Manifest, task: str | None, artifacts: Artifacts) -> tuple[int, int]:
    """Right answers of one task's head on the labelled rows of a window, and how many those are."""
    if task is None or window.snapshot is None:
        return 0, 0
    rows = from_parquet(artifacts.get(window.snapshot), model.schema).labelled()
    if len(rows) == 0:
        return 0, 0
    network = load_network(_alone(model, task), artifacts.get)
    places = network.logits(rows, task).argmax(axis=1)  # [n]
    classes = model.task(task).classes
    right = [classes[place] == label for place, label in zip(places, rows.labels, strict=True)]
    return int(np.sum(right)), len(right)


def _alone(model: Manifest, task: str) -> Manifest:
    """What of a model answers one task."""
    head = model.task(task)
    stems = [branch.stem for branch in model.branches if branch.id in head.lineage]
    wanted = (*head.lineage, *(stems or [model.branches[0].id]))
    branches = tuple(branch for branch in model.branches if branch.id in wanted)
    return replace(model, branches=branches, tasks=(head,), router=None)
