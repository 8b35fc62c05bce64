"""A new branch against its baselines, on the same rows; the smallest model that none beats is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from growlearn.domain.evaluation import TaskScore, common_metric
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import BaselineComparisonConfig, Job
from growlearn.domain.lineage import Manifest
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection
from growlearn.evaluation.evaluate import score_best_existing_task
from growlearn.evaluation.metric_evaluator import make_evaluator
from growlearn.evaluation.paired_tests import MetricTest, select_smallest_adequate
from growlearn.evaluation.predictions import Predictions, load_predictions
from growlearn.growth.candidates import plan_candidates
from growlearn.growth.known_answer import known_answer_plan
from growlearn.growth.plan import single_task_plan
from growlearn.metrics import compute_metric
from growlearn.pipeline.context import Ports
from growlearn.ports import Artifacts, EvalRequest, Evaluator, ProgressCallback


@dataclass(frozen=True)
class TrainedCandidate:
    """A plan and what came of it.

    `best_existing` is the score of the best known task, unchanged; `model_selection` says what the branch was
    compared with, None where there was nothing; `single_task` is a model trained on the new task alone, where
    the job asks for that baseline.
    """

    plan: GrowthPlan
    result: GrowthResult
    best_existing: TaskScore | None = None
    model_selection: ModelSelection | None = None
    single_task: Manifest | None = None


def train_and_select(
    plan: GrowthPlan, job: Job, ports: Ports, on_progress: ProgressCallback
) -> TrainedCandidate:
    """The smallest of the branch and its baselines that none beats on the task's hold-out rows.

    All are trained in one go. Where no change wins, a task that its rows name is opened with the known
    answer; else the branch is returned with the comparison, and a gate rejects it. A refinement is compared
    with the task's version before alone, by gates of its own.
    """
    refines, config = plan.is_refinement, job.baseline_comparison
    if refines:
        config = replace(config, baselines=tuple(kind for kind in config.baselines if kind == "fine_tune"))
    plans = plan_candidates(plan, config.baselines)
    single_plans = [single_task_plan(plan)] if job.evaluation.single_task_baseline and not refines else []
    results = ports.engine.run([*plans.values(), *single_plans], on_progress)
    evaluator = make_evaluator(ports.evaluator, ports.artifacts, job.metric)
    best_existing = (
        evaluator.evaluate(plan.parent_manifest, [EvalRequest(task=plan.task, rows=plan.holdout)])[0]
        if refines
        else score_best_existing_task(
            plan.parent_manifest, plan.classes, plan.holdout, evaluator, plan.positive_class
        )
    )
    trained = dict(zip(plans, map(TrainedCandidate, plans.values(), results), strict=False))
    if CandidateKind.FINE_TUNE in config.baselines:
        trained |= _leave_out_frozen(trained)
    single_task = results[-1].build_manifest(single_plans[0]) if single_plans else None
    selection = _compare_candidates(trained, best_existing, config, evaluator, ports.artifacts)
    if (
        selection is not None
        and best_existing is not None
        and selection.selected is CandidateKind.NO_CHANGE
        and job.schema.task is not None
    ):
        train_rows = len(ports.models.rows(plan.train, plan.parent_manifest.schema))
        kept_plan = known_answer_plan(plan, best_existing.task, train_rows)
        (kept,) = ports.engine.run([kept_plan], on_progress)
        return TrainedCandidate(kept_plan, kept, best_existing, selection, single_task)
    first = next(iter(trained.values()))  # the router is trained with it
    selected = first if selection is None else trained.get(selection.selected) or trained[selection.branch]
    return TrainedCandidate(
        replace(selected.plan, train_router=plan.train_router),
        replace(selected.result, router=first.result.router),
        best_existing,
        selection,
        single_task,
    )


def _leave_out_frozen(
    trained: Mapping[CandidateKind, TrainedCandidate],
) -> dict[CandidateKind, TrainedCandidate]:
    """The fine-tuned copy without the frozen answer that it is averaged with: no training of its own."""
    average = trained.get(CandidateKind.AVERAGE)
    alone = None if average is None else average.result.leave_out_frozen()
    if average is None or alone is None:
        return {}
    plan = replace(average.plan, combinations=())
    return {CandidateKind.FINE_TUNE: TrainedCandidate(plan, replace(alone, seconds=0.0))}


def _compare_candidates(
    trained: dict[CandidateKind, TrainedCandidate],
    best_existing: TaskScore | None,
    config: BaselineComparisonConfig,
    evaluator: Evaluator,
    artifacts: Artifacts,
) -> ModelSelection | None:
    plan = next(iter(trained.values())).plan
    candidates = [
        _make_candidate(kind, candidate, evaluator, artifacts)
        for kind in CandidateKind
        if (candidate := trained.get(kind)) is not None
    ]
    if CandidateKind.NO_CHANGE in config.baselines and best_existing is not None:
        candidates.insert(0, _make_no_change_candidate(best_existing, plan, artifacts))
    if len(candidates) == 1 or any(candidate.task_score.logits_sha256 is None for candidate in candidates):
        return None
    predictions = {
        candidate.kind: load_predictions(artifacts.get(str(candidate.task_score.logits_sha256)))
        for candidate in candidates
    }
    correct = {kind: rows.correct for kind, rows in predictions.items()}
    return select_smallest_adequate(
        candidates,
        correct,
        config.alpha,
        config.min_accuracy_gain,
        _make_metric_test(candidates, predictions, plan),
    )


def _make_metric_test(
    candidates: Sequence[Candidate], predictions: Mapping[CandidateKind, Predictions], plan: GrowthPlan
) -> MetricTest | None:
    """The test by the job's metric; None where that is accuracy, or is not defined on the hold-out.

    The known task has all classes of the new one; they are numbered as there.
    """
    metric = common_metric(*(candidate.task_score for candidate in candidates))
    if metric.is_accuracy:
        return None
    scored_rows = {}
    for candidate in candidates:
        existing = candidate.kind is CandidateKind.NO_CHANGE
        classes = plan.parent_manifest.task(candidate.task_score.task).classes if existing else plan.classes
        positive = None if plan.positive_class is None else classes.index(plan.positive_class)
        order = [*plan.classes, *(label for label in classes if label not in plan.classes)]
        numbers = [order.index(label) for label in classes]
        scored_rows[candidate.kind] = predictions[candidate.kind].to_scored_rows(positive).renumber(numbers)
    return MetricTest(metric, scored_rows)


def _make_candidate(
    kind: CandidateKind, trained: TrainedCandidate, evaluator: Evaluator, artifacts: Artifacts
) -> Candidate:
    plan = trained.plan
    request = EvalRequest(task=plan.task, rows=plan.holdout, positive_class=plan.positive_class)
    (task_score,) = evaluator.evaluate(trained.result.build_manifest(plan), [request])
    return Candidate(
        kind=kind,
        task_score=task_score,
        parameters=trained.result.parameters,
        branches=len(trained.result.lineage),
        seconds=trained.result.seconds,
        validation_loss=trained.result.validation_loss,
        validation_value=trained.result.validation_value,
        init=plan.init if kind.is_branch else None,
        combination=trained.result.combination if kind.is_branch else None,
        log_loss=_log_loss(task_score, artifacts),
    )


def _log_loss(task_score: TaskScore, artifacts: Artifacts) -> float | None:
    """The mean cross-entropy on the rows of a score in nats; None where there are none."""
    if task_score.logits_sha256 is None:
        return None
    rows = load_predictions(artifacts.get(task_score.logits_sha256)).to_scored_rows(None)
    return compute_metric(METRICS[MetricName.LOG_LOSS], rows)


def _make_no_change_candidate(best_existing: TaskScore, plan: GrowthPlan, artifacts: Artifacts) -> Candidate:
    return Candidate(
        kind=CandidateKind.NO_CHANGE,
        task_score=best_existing,
        parameters=0,
        branches=len(plan.parent_manifest.task(best_existing.task).lineage),
        seconds=0.0,
        log_loss=_log_loss(best_existing, artifacts),
    )
