"""A history through the steps of production, with a stand-in wherever production would train.

Windows are judged, matched and refused by the very code that handles them in production. What would be grown
is planned as there, but only its head is fitted, and the gates are not asked: the window ends promoted, so
that later ones are judged against the new task's own reference rows. A refinement costs what it would, and
leaves the task's answers as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import accumulate

from growlearn.domain.backtest import Replay, WindowReplay
from growlearn.domain.drift import DriftReport
from growlearn.domain.drift_config import RefineConfig, RetrainingPolicyConfig
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthPlan, GrowthResult, Progress
from growlearn.domain.job import Job
from growlearn.domain.lineage import Manifest
from growlearn.domain.metric import METRICS, Metric
from growlearn.domain.stream import Transition
from growlearn.domain.window import IngestResult, Verdict, Window, WindowState
from growlearn.drift.task_names import next_task_name
from growlearn.evaluation.inference import predict_labelled_rows
from growlearn.metrics import ScoredRows, compute_metric
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.context import Ports, StepContext
from growlearn.pipeline.new_task import plan_new_task
from growlearn.pipeline.run import (
    STATE_HANDLERS,
    StateHandlers,
    requeue_labelled_windows,
    run_to_terminal_state,
)
from growlearn.pipeline.steps.judge import judge_window
from growlearn.pipeline.transitions import make_final_transition, make_transition
from growlearn.ports import EvalRequest, ProgressCallback
from growlearn.registry.promotion import promote_version
from growlearn.registry.records import make_branches, make_task, make_version

NO_BRANCH_LIMIT = 1_000_000
"""Branches a replayed model may have: a full one is taken as consolidated in time."""


@dataclass(frozen=True, kw_only=True)
class ReplayPolicy:
    """A policy to be replayed: a job's own, or, where `period` is given, one that looks at no data.

    Such a one grows on each window whose number of judged windows before it is a multiple of `period`, after
    the first task; 0 never does.
    """

    name: str
    job: Job
    period: int | None = None


def make_job_policy(name: str, job: Job) -> ReplayPolicy:
    """The policy of a job itself."""
    return ReplayPolicy(name=name, job=_without_branch_limit(job))


def make_baseline_policies(job: Job, period: int) -> tuple[ReplayPolicy, ...]:
    """never, always and periodic, on the terms of a job but for its policy; none of them refines a task."""
    bare_job = replace(
        _without_branch_limit(job),
        retraining_policy=RetrainingPolicyConfig(),
        refine=RefineConfig(when="never"),
    )
    return tuple(
        ReplayPolicy(name=name, job=bare_job, period=policy_period)
        for name, policy_period in (("never", 0), ("always", 1), ("periodic", period))
    )


def find_matching_period(replay: Replay) -> int:
    """Every how many windows to grow so as to train as often as a replay did after its first task.

    Once at least; the trainings are spread over the history evenly.
    """
    num_trainings = sum(window.grown and window.verdict is not Verdict.FIRST for window in replay.windows)
    return max(1, len(replay.windows) // (max(1, num_trainings) + 1))


def _without_branch_limit(job: Job) -> Job:
    return replace(job, consolidation=None, model=replace(job.model, max_branches=NO_BRANCH_LIMIT))


def with_arrival_times(
    history: Sequence[IngestResult], next_arrival: Callable[[datetime], datetime]
) -> tuple[IngestResult, ...]:
    """The history as if its windows had come one by one; `next_arrival` is the next time one comes.

    Taken in all at once they would be of one instant, and budgets by the day or month would be of no use.
    """
    numbers = sorted({window.number for file in history for window in file.windows})
    arrivals = accumulate(numbers[1:], lambda arrival, _: next_arrival(arrival), initial=history[0].at)
    arrival_by_number = dict(zip(numbers, arrivals, strict=True))

    def set_arrival_times(windows: Sequence[Window]) -> tuple[Window, ...]:
        return tuple(replace(window, discovered_at=arrival_by_number[window.number]) for window in windows)

    return tuple(
        replace(
            file,
            windows=set_arrival_times(file.windows),
            extended_windows=set_arrival_times(file.extended_windows),
        )
        for file in history
    )


def replay_history(
    policy: ReplayPolicy,
    history: Sequence[IngestResult],
    regimes: Mapping[str, str],
    ports: Ports,
    set_clock: Callable[[datetime], None],
    on_progress: ProgressCallback,
) -> Replay:
    """Every accepted window of a history, in order, under one policy.

    The ports' store holds the stream as it stands before the history, their engine stands in for training;
    `set_clock` moves their clock to when a window came. `regimes` are the true ones by window, where known.
    """
    store, name = ports.store, policy.job.name
    for file in history:
        store.record_ingest(file)
    total, handlers = store.count_pending(name), _make_handlers(policy)
    replayed_windows: dict[
        str, WindowReplay
    ] = {}  # one that waited for labels and is judged anew stands at its place
    while (window := _claim_next_window(name, ports)) is not None:
        on_progress(
            Progress(
                stage=f"replaying {policy.name}", done=len(replayed_windows), total=total, note=window.id
            )
        )
        if window.discovered_at > ports.clock.now():
            set_clock(window.discovered_at)
        context = StepContext(window, ports)
        manifest, active_task = context.parent_manifest, _find_active_task(context)
        finished = run_to_terminal_state(window, handlers, ports, on_progress)
        replayed_windows[window.id] = _make_window_replay(
            finished, manifest, active_task, regimes.get(window.id), ports
        )
    on_progress(Progress(stage=f"replaying {policy.name}", done=total, total=total))
    return Replay(policy=policy.name, windows=tuple(replayed_windows.values()), metric=policy.job.metric)


def _claim_next_window(name: str, ports: Ports) -> Window | None:
    """The window to be handled next, as in production but for consolidations."""
    requeue_labelled_windows(name, ports)
    return ports.store.claim(name, ports.worker, ports.clock.now(), ports.lease_s)


def _find_active_task(context: StepContext) -> str | None:
    """The task the stream was in before this window, or its newest where that is not one of the model's."""
    task_names = [head.name for head in context.parent_manifest.tasks]
    current = context.current_task
    return current if current in task_names else task_names[-1] if task_names else None


# The steps ------------------------------------------------------------------------------------------


def _make_handlers(policy: ReplayPolicy) -> StateHandlers:
    """Those of production, but for training and the gates; and for judging, where no data is looked at."""
    judge_rows = judge_window if policy.period is None else partial(_judge_by_period, policy.period)
    train_router = policy.period is None  # only a judge asks the router
    return {
        **STATE_HANDLERS,
        WindowState.ACCEPTED: judge_rows,  # nobody reads estimates of a replay
        WindowState.GROWING: partial(_train_stub, train_router),
        WindowState.EVALUATED: _always_promote,
    }


def _judge_by_period(period: int, context: StepContext, _: ProgressCallback) -> Transition:
    """From accepted to judged by counting alone."""
    num_judged = sum(window.verdict is not None for window in context.earlier_windows)
    new_task = next_task_name([task.name for task in context.stored_tasks])
    task: str | None
    if not context.known_tasks:
        verdict, task, reason = Verdict.FIRST, context.window.task or new_task, "no task is known yet"
    elif period and num_judged and num_judged % period == 0:
        verdict, task, reason = Verdict.DRIFT, new_task, f"grown every {period} windows, whatever they hold"
    else:
        task = _find_active_task(context)
        verdict, reason = Verdict.STABLE, "not looked at"
    report = DriftReport(verdict=verdict, task=task, reason=reason, alpha=context.job.drift.alpha)
    task_name = None if report.needs_growth else task
    return make_transition(
        context, WindowState.JUDGED, verdict=verdict, task=task_name, reason=reason, report=report
    )


def _train_stub(train_router: bool, context: StepContext, on_progress: ProgressCallback) -> Transition:
    """From growing to evaluated: the untrained start of the plan, on the new task's own hold-out."""
    plan, ports = context.record.plan, context.ports
    assert isinstance(plan, GrowthPlan), "a growing window has its plan"
    report = context.record.report
    if plan.is_refinement and report is not None and report.needs_growth and report.task is not None:
        plan = plan_new_task(context, report.task)  # what held-out rows would decide needs a training
    stub = replace(plan, train_router=plan.train_router and train_router)
    (result,) = ports.engine.run([stub], on_progress)
    if plan.is_refinement:
        result = _with_head_before(result, plan)
    request = EvalRequest(task=plan.task, rows=plan.holdout)
    (task_score,) = ports.evaluator.evaluate(
        _single_task_manifest(result.build_manifest(plan), plan.task), [request]
    )
    evaluation = Evaluation(
        task=plan.task, task_scores=(task_score,), initial=task_score, chance_level=1 / len(plan.classes)
    )
    return make_transition(context, WindowState.EVALUATED, plan=plan, result=result, evaluation=evaluation)


def _with_head_before(result: GrowthResult, plan: GrowthPlan) -> GrowthResult:
    """The result as if the refinement had changed no answer: an untrained start would answer worse."""
    head = plan.parent_manifest.task(plan.task)
    return replace(
        result,
        branches=(),
        branch_parameters=(),
        head=head.sha256,
        lineage=head.lineage,
        calibration=head.calibration,
        threshold=head.threshold,
    )


def _always_promote(context: StepContext, _: ProgressCallback) -> Transition:
    """From evaluated to promoted, whatever gates would say of a model that was not trained."""
    stream, at, record = context.stream, context.ports.clock.now(), context.record
    plan, result, evaluation = record.plan, record.result, record.evaluation
    assert isinstance(plan, GrowthPlan)
    assert isinstance(result, GrowthResult)
    assert evaluation is not None, "an evaluated window has plan, result and evaluation"
    version = make_version(plan, result, evaluation, context.versions, context.parent, at)
    versions = (*context.versions, version)
    alias_changes, parent_version = promote_version(
        stream, versions, version.number, "backtest", "a stand-in", at
    )
    return make_final_transition(
        context,
        WindowState.PROMOTED,
        task=plan.task,
        version=version,
        parent_version=parent_version,
        parent_version_before=plan.parent_version,
        branches=make_branches(plan, result, version.number, at),
        new_task=make_task(plan, result, version.number),
        alias_changes=alias_changes,
    )


# What is told of a window ---------------------------------------------------------------------------


def _make_window_replay(
    window: Window, manifest_before: Manifest, active_task: str | None, regime: str | None, ports: Ports
) -> WindowReplay:
    assert window.verdict is not None, "a window that was carried to its end was judged"
    matched = not window.verdict.needs_growth and any(
        head.name == window.task for head in manifest_before.tasks
    )
    job = ports.store.stream(window.stream).job
    scored_rows = _score_rows(window, manifest_before, window.task if matched else active_task, ports.models)
    result = ports.store.window_record(window.stream, window.id).result
    was_trained = isinstance(result, GrowthResult)
    num_runs = 2 if job.evaluation.single_task_baseline else 1
    return WindowReplay(
        window=window.id,
        source=window.source,
        rows=window.rows,
        verdict=window.verdict,
        task=window.task if matched or was_trained else None,
        reason=window.reason,
        grown=was_trained,
        training_s=result.seconds * num_runs if isinstance(result, GrowthResult) else 0.0,
        correct=0 if scored_rows is None else scored_rows.correct,
        labelled=0 if scored_rows is None else len(scored_rows),
        metric_value=None if scored_rows is None else _metric_value(METRICS[job.metric], scored_rows),
        regime=regime,
    )


def _metric_value(metric: Metric, scored_rows: ScoredRows) -> float | None:
    return None if metric.is_accuracy else metric.count_nan_as_worst(compute_metric(metric, scored_rows))


def _score_rows(window: Window, model: Manifest, task: str | None, models: ModelCache) -> ScoredRows | None:
    """Answers of one task's head to the labelled rows of a window; None where there are none."""
    if task is None or window.snapshot is None:
        return None
    request = EvalRequest(task=task, rows=window.snapshot)
    predictions = predict_labelled_rows(_single_task_manifest(model, task), request, models)
    if len(predictions.targets) == 0:
        return None
    return predictions.to_scored_rows(model.task(task).positive_index)


def _single_task_manifest(model: Manifest, task: str) -> Manifest:
    """What of a model answers one task."""
    head = model.task(task)
    stems = [branch.stem for branch in model.branches if branch.id in head.lineage]
    branch_ids = (*head.lineage, *(stems or [model.branches[0].id]))
    branches = tuple(branch for branch in model.branches if branch.id in branch_ids)
    return replace(model, branches=branches, tasks=(head,), router=None)
