"""The decision report of a window or a version: the decision log in plain sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from growlearn.domain.accuracy_estimate import count_right
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.decision_log import LogEntry, ReportSection
from growlearn.domain.drift import DriftReport, DriftTestResult, RemainingBudget
from growlearn.domain.evaluation import Evaluation, GateResult, TaskReplacement, TaskScore, common_metric
from growlearn.domain.growth import GrowthPlan, GrowthResult, ProbeScore, SearchTrial
from growlearn.domain.metric import ACCURACY, METRICS, Metric
from growlearn.domain.refinement_score import MetricChange, RefinementScore
from growlearn.domain.stream import Alias, AliasChange, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.ports import Store
from growlearn.registry.canary_report import describe_canaries
from growlearn.registry.estimate_report import describe_estimate
from growlearn.registry.score_text import format_accuracy, format_branch_count, format_percent
from growlearn.registry.selection_report import describe_selection
from growlearn.registry.version_tree import get_version

_MAX_TESTS_SHOWN = 3  # the drift report holds all
_OUTCOMES = {
    WindowState.SKIPPED: "nothing was trained",
    WindowState.AWAITING_LABELS: "it waits for labels",
    WindowState.PROMOTED: "promoted",
    WindowState.PENDING_APPROVAL: "waiting for approval",
    WindowState.REJECTED: "rejected",
}


def explain_window(store: Store, stream: str, window_id: str) -> tuple[ReportSection, ...]:
    """Each step from the window's rows to the decision on them and its outcome; raises NotFound."""
    window = store.window(stream, window_id)
    entries = store.decision_log(stream, window_id)
    version = next(
        (
            stored_version.number
            for stored_version in store.versions(stream)
            if stored_version.window == window_id
        ),
        None,
    )
    sections = [ReportSection("Window", tuple(_describe_window(window)))]
    estimates = store.accuracy_estimates(stream)
    if window_id in estimates:
        lines = tuple(describe_estimate(estimates[window_id], count_right(estimates.values())))
        sections.append(ReportSection("Estimated accuracy", lines))
    for entry in entries:
        if entry.transition is not None:
            sections += _describe_transition(entry.transition)
    if version is not None:
        alias_changes = store.alias_changes(stream)
        sections.append(ReportSection("Outcome", tuple(_describe_outcome(version, alias_changes))))
        sections.append(
            ReportSection("Canary", tuple(describe_canaries(store.canaries.of_stream(stream), version)))
        )
    sections.append(ReportSection("Provenance", tuple(_describe_provenance(entries))))
    return tuple(section for section in sections if section.lines)


def explain_version(store: Store, stream: str, number: int) -> tuple[ReportSection, ...]:
    """The decision report of the window that a version came from; raises NotFound."""
    return explain_window(store, stream, get_version(store.versions(stream), number).window)


def _describe_window(window: Window) -> Iterator[str]:
    if window.verdict is Verdict.FULL:
        yield f"{window.id} has no rows: the model had no room for another branch."
        return
    ingested = _format_time(window.discovered_at)
    yield f"{window.id}: {window.rows} rows from {window.source}, ingested {ingested}."
    if window.state is WindowState.QUARANTINED:
        yield f"It was quarantined: {window.reason}."
    if window.labelled is not None and window.labelled < window.rows:
        yield f"{window.labelled} of them have labels."
    if window.quarantined_rows:
        yield f"{window.quarantined_rows} more rows were quarantined as bad input."


def _describe_transition(transition: Transition) -> Iterator[ReportSection]:
    if transition.report is not None:
        yield ReportSection("Drift", tuple(_describe_drift(transition.report)))
    if transition.remaining_budget is not None:
        yield ReportSection("Remaining budget", tuple(_describe_budget(transition.remaining_budget)))
    if transition.plan is not None and (
        transition.source is WindowState.JUDGED or isinstance(transition.plan, ConsolidationPlan)
    ):
        yield ReportSection("Plan", tuple(_describe_plan(transition.plan)))
    trained = transition.source is WindowState.GROWING
    if trained and isinstance(transition.plan, GrowthPlan) and transition.plan.trials:
        metric = METRICS[transition.plan.metric]
        trials = tuple(_format_trial(trial, metric) for trial in transition.plan.trials)
        yield ReportSection("Hyperparameter search", trials)
    if transition.model_selection is not None:
        yield ReportSection("Model selection", tuple(describe_selection(transition.model_selection)))
    if trained and transition.result is not None:
        yield ReportSection("Training", tuple(_describe_training(transition.result, transition.plan)))
    if transition.evaluation is not None:
        yield ReportSection("Evaluation", tuple(_describe_evaluation(transition.evaluation)))
    if transition.gates:
        yield ReportSection("Gates", tuple(_format_gate(gate) for gate in transition.gates))
    if transition.target in _OUTCOMES:
        yield ReportSection("Decision", tuple(_describe_decision(transition)))


def _describe_drift(report: DriftReport) -> Iterator[str]:
    kind = "" if report.kind is None else f" ({report.kind})"
    task = "" if report.task is None else f", task {report.task!r}"
    yield f"Verdict: {report.verdict}{kind}{task}: {report.reason}."
    yield f"Error budget: alpha {report.alpha:g}."
    strongest = sorted(report.test_results, key=lambda test: test.p_value)[:_MAX_TESTS_SHOWN]
    for test in strongest:
        yield _format_test(test)
    if len(report.test_results) > len(strongest):
        yield f"The strongest of {len(report.test_results)} tests are shown."


def _format_test(test: DriftTestResult) -> str:
    return (
        f"{test.detector} on {test.name} against task {test.task!r}: effect {test.effect_size:.3g}, "
        f"p {test.p_value:.2g}, drift below {test.threshold:.2g} "
        f"({test.window_rows} rows against {test.reference_rows})."
    )


def _describe_budget(budget: RemainingBudget) -> Iterator[str]:
    if budget.growths is not None:
        yield f"{budget.growths} more growths were allowed that day."
    if budget.hours is not None:
        yield f"{budget.hours:.3g} more hours of training were allowed."


def _describe_plan(plan: GrowthPlan | ConsolidationPlan) -> Iterator[str]:
    if isinstance(plan, ConsolidationPlan):
        before = format_branch_count(len(plan.parent_manifest.branches))
        yield (
            f"Distil version {plan.parent_version} with its {before} into "
            f"{len(plan.new_branches)}: {', '.join(plan.new_branches)}."
        )
        return
    extends = "from nothing" if plan.parent_version is None else f"on version {plan.parent_version}"
    start = {
        "residual": "with a zero residual on a frozen stem",
        "warm_start": f"as a copy of the last branch of task {plan.parent_task!r}",
        "scratch": "with a stem of its own",
    }[plan.init]
    yield (
        f"Grow {', '.join(plan.new_branches)} for task {plan.task!r} {extends}, {start}; "
        f"{len(plan.classes)} classes, seed {plan.seed}."
    )
    if plan.base_task is not None:
        yield f"The answer F of task {plan.base_task!r} may enter: a F + s h, h being the new branch's head."
    if plan.refinement is not None:
        yield (
            f"The task is known: refine it with {plan.refinement.new_rows:,} new rows of "
            f"{', '.join(plan.refinement.windows)}, because of {plan.refinement.reason}."
        )
    metric = METRICS[plan.metric]
    if not metric.is_accuracy:
        positive = "" if plan.positive_class is None else f"; the positive class is {plan.positive_class!r}"
        yield f"Chosen and gated by {metric.name}{positive}."
    if plan.class_weights:
        weights = zip(plan.classes, plan.class_weights, strict=True)
        yield "Class weights: " + ", ".join(f"{label!r} {weight:.3g}" for label, weight in weights) + "."
    if plan.probe_scores:
        probed = ACCURACY if any(score.value is None for score in plan.probe_scores) else metric
        scores = "; ".join(_format_probe_score(score, probed) for score in plan.probe_scores)
        yield f"Probe {probed.name} of each start: {scores}."


def _format_own_value(value: float | None, metric: Metric) -> str:
    """The value of a metric that is not accuracy, to be added to a loss; empty without one."""
    return "" if value is None else f", {metric.name} {metric.format_value(value)}"


def _format_probe_score(score: ProbeScore, metric: Metric) -> str:
    init_source = "the stem alone" if score.task is None else f"task {score.task!r}"
    if score.init == "scratch":
        init_source = "a stem of its own"
    elif score.init == "warm_start":
        init_source = f"a copy of {init_source}"
    if metric.is_accuracy or score.value is None:
        return f"{init_source} {format_percent(score.accuracy)}"
    return f"{init_source} {metric.format_value(score.value)}"


def _format_trial(trial: SearchTrial, metric: Metric) -> str:
    parent = "" if trial.parent_task is None else f" of task {trial.parent_task!r}"
    return (
        f"{trial.init}{parent}, learning rate {trial.learning_rate:g}, seed {trial.seed}: validation loss "
        f"{trial.loss:.4f}{_format_own_value(trial.value, metric)} within {trial.epochs} epochs."
    )


def _describe_training(
    result: GrowthResult | ConsolidationResult, plan: GrowthPlan | ConsolidationPlan | None
) -> Iterator[str]:
    if isinstance(plan, GrowthPlan) and plan.kept_task is not None:
        known = repr(plan.kept_task)
        yield f"Task {plan.task!r} takes the answer of task {known} as it is: nothing outperforms it."
        return
    trained_parts = ", ".join(branch.id for branch in result.branches) or "a head only"
    yield (
        f"{trained_parts}: {len(result.epochs)} epochs on {result.train_rows} rows in "
        f"{result.seconds:.1f} s, {result.threads} threads, seed {result.seed}."
    )
    yield (
        f"Validation loss {result.initial_loss:.4f} before training, {result.best_loss:.4f} at best "
        f"(epoch {result.best_epoch}), on {result.validation_rows} rows; {result.parameters:,} parameters."
    )
    if isinstance(plan, GrowthPlan) and isinstance(plan.growth.augmentation, tuple):
        yield f"Augmentation of the training images: {', '.join(plan.growth.augmentation) or 'none'}."
    metric = ACCURACY if plan is None else METRICS[plan.metric]
    if not metric.is_accuracy and result.epochs:
        if result.epochs[0].validation_value is None:
            yield (
                f"{metric.name} is not defined on the validation rows, which all have one label: the epoch "
                "was chosen by their loss."
            )
        elif isinstance(result, GrowthResult):
            yield f"The epoch was chosen by {metric.name}: {metric.format_value(result.validation_value)}."
    if isinstance(result, GrowthResult):
        yield from _describe_head(result, plan)


def _describe_head(result: GrowthResult, plan: GrowthPlan | ConsolidationPlan | None) -> Iterator[str]:
    if result.calibration.temperature != 1:
        yield f"Probabilities are calibrated with temperature {result.calibration.temperature:.3g}."
    if result.threshold is not None and isinstance(plan, GrowthPlan):
        yield f"Class {plan.classes[1]!r} is predicted above a probability of {result.threshold:.3g}."


def _describe_evaluation(evaluation: Evaluation) -> Iterator[str]:
    own_metric = common_metric(*evaluation.task_scores)
    yield (
        f"{'Accuracy' if own_metric.is_accuracy else own_metric.name} on hold-out rows: "
        + "; ".join(_format_task_score(task_score) for task_score in evaluation.task_scores)
        + "."
    )
    before_text = f"On task {evaluation.task!r} before training {format_accuracy(evaluation.initial)}"
    best_existing = evaluation.best_existing
    if best_existing is not None:
        before_text += f", with task {best_existing.task!r} {format_accuracy(best_existing)}"
    chance = evaluation.chance(own_metric)
    if chance is not None:
        chance_text = format_percent(chance) if own_metric.is_accuracy else own_metric.format_value(chance)
        before_text += f"; by chance {chance_text}"
    yield f"{before_text}."
    if evaluation.refinement is not None:
        yield from _describe_refinement(evaluation.refinement)
    if evaluation.routed:
        yield (
            "With rows routed: "
            + "; ".join(_format_task_score(task_score) for task_score in evaluation.routed)
            + "."
        )
    if evaluation.replacement is not None:
        yield _format_task_replacement(evaluation.task, evaluation.replacement)
    if evaluation.changed_tasks:
        yield f"Changed although frozen: {', '.join(evaluation.changed_tasks)}."


def _describe_refinement(refinement: RefinementScore) -> Iterator[str]:
    changes = {"new": refinement.new, "earlier": refinement.earlier, "all": refinement.both}
    for name, change in changes.items():
        if change is not None:
            accuracies = map(format_percent, (change.accuracy_before, change.accuracy_after))
            yield (
                f"Refined, on {change.rows} {name} hold-out rows: log loss {change.loss_before:.4f} -> "
                f"{change.loss_after:.4f}, accuracy {' -> '.join(accuracies)}"
                f"{_format_metric_change(change.by_metric)}."
            )


def _format_metric_change(change: MetricChange | None) -> str:
    if change is None:
        return ""
    metric = METRICS[change.metric]
    values = map(metric.format_value, (change.before, change.after))
    return f", {metric.name} {' -> '.join(values)}"


def _format_task_replacement(task: str, replacement: TaskReplacement) -> str:
    confirmations = zip(replacement.windows, replacement.task_scores, strict=True)
    confirmations_text = "; ".join(
        f"{window} {format_accuracy(task_score)}" for window, task_score in confirmations
    )
    replaced_tasks = ", ".join(map(repr, replacement.tasks))
    return (
        f"Rows that name no task are no longer routed to {replaced_tasks}: {task!r} replaces it, because it "
        f"predicts earlier rejected windows: {confirmations_text}."
    )


def _format_gate(gate: GateResult) -> str:
    passed = "passed" if gate.passed else "FAILED"
    numbers = f"{_format_number(gate.value)}, threshold {_format_number(gate.threshold)}"
    return f"{gate.gate} {passed} ({numbers}): {gate.reason}."


def _describe_decision(transition: Transition) -> Iterator[str]:
    yield f"{_format_time(transition.at)}, by {transition.worker}: {_OUTCOMES[transition.target]}."
    if transition.reason is not None and not transition.gates:
        yield f"Reason: {transition.reason}."
    failed = [gate.gate for gate in transition.gates if not gate.passed]
    if failed:
        yield f"Failed gates: {', '.join(failed)}."
    if transition.version is not None:
        version = transition.version
        branch_count = format_branch_count(len(version.branches))
        yield f"It is version {version.number} with {branch_count} and {version.parameters:,} parameters."


def _describe_outcome(version: int, alias_changes: Sequence[AliasChange]) -> Iterator[str]:
    for change in alias_changes:
        if version in (change.before, change.after):
            yield _format_alias_change(change, version)
    champions = [change.after for change in alias_changes if change.alias is Alias.CHAMPION]
    if champions and champions[-1] == version:
        yield "It is the champion now."
    elif champions:
        yield f"The champion now is {_format_version(champions[-1])}."


def _format_alias_change(change: AliasChange, version: int) -> str:
    change_text = f"{change.alias} {_format_version(change.before)} -> {_format_version(change.after)}"
    reason_text = f" ({change.reason})"
    if change.actor == "gates":  # its reason repeats that window's decision
        reason_text = "" if change.after == version else f" (from {change.reason.partition(':')[0]})"
    return f"{_format_time(change.at)}: {change_text}, by {change.actor}{reason_text}."


def _describe_provenance(entries: Sequence[LogEntry]) -> Iterator[str]:
    for (growlearn_version, job_digest), count in Counter(
        (entry.growlearn_version, entry.job_digest) for entry in entries
    ).items():
        yield f"growlearn {growlearn_version}, job {job_digest}, {count} entries of the decision log."
    for snapshot in dict.fromkeys(entry.snapshot for entry in entries if entry.snapshot is not None):
        yield f"Rows: sha256 {snapshot}."


def _format_task_score(task_score: TaskScore) -> str:
    return f"task {task_score.task!r} {format_accuracy(task_score)}"


def _format_version(number: int | None) -> str:
    return "none" if number is None else f"version {number}"


def _format_number(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _format_time(time: object) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
