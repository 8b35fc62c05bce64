"""From accepted to judged: the window against the reference rows of each known task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.drift import DriftReport
from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.lineage import Task
from growlearn.domain.stream import Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.delayed_labels import find_delayed_label_windows, with_delayed_labels
from growlearn.drift.judge import judge
from growlearn.drift.monitor_history import with_monitor_state
from growlearn.drift.sample import Sample, prediction_errors
from growlearn.drift.task_data import TaskComparisonData
from growlearn.ingest.labels import count_label_rows
from growlearn.ingest.rows import Rows, concat_rows
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.drift_references import MAX_SAMPLE_ROWS, build_comparison_data, build_sample
from growlearn.pipeline.transitions import make_transition
from growlearn.ports import ProgressCallback
from growlearn.registry.version_tree import list_references, select_version_tasks


def judge_window(context: StepContext, _: ProgressCallback) -> Transition:
    """From accepted to judged: the drift report."""
    config = context.job.drift
    routable = context.parent_manifest.routable_tasks
    try:
        rows = context.rows()
    except (KeyError, ValueError):
        return _mark_schema_changed(context)
    labels, rare = count_label_rows(rows.labels, config.min_rows_per_class)
    compared: list[TaskComparisonData] = []

    def load_references(tasks: Sequence[Task]) -> Sequence[TaskComparisonData]:
        compared.extend(_load_references(context, tasks, rows))
        return compared

    report = judge(
        context.window,
        labels,
        [task for task in context.known_tasks if task.name in routable],
        load_references,
        config,
        current_task=context.current_task,
        reserved_names=[task.name for task in context.stored_tasks],
        rare_labels=rare,
    )
    if not report.needs_growth and report.task is not None:
        report = _with_accuracy(context, report, rows, compared)
    # A task that is only to be opened may never be: its name stands in the report until it is.
    task = None if report.needs_growth else report.task
    return make_transition(
        context,
        WindowState.JUDGED,
        verdict=report.verdict,
        task=task,
        reason=report.reason,
        report=report,
    )


def _with_accuracy(
    context: StepContext, report: DriftReport, rows: Rows, compared: Sequence[TaskComparisonData]
) -> DriftReport:
    """The report with how many labelled rows the known task's head answered right, where there are any."""
    sample = next((item.window_sample for item in compared if item.task == report.task), None)
    if sample is None:  # the task column said which task it is, so nothing was compared
        schema = context.parent_manifest.schema
        if (context.job.schema.inputs, context.job.schema.label) != (schema.inputs, schema.label):
            return report  # the model may not read these rows
        task = next(task for task in context.known_tasks if task.name == report.task)
        network = context.ports.models.network(context.parent_manifest)
        sample = build_sample(network, task, rows.sample(MAX_SAMPLE_ROWS), schema)
    wrong = prediction_errors(sample)
    if not len(wrong):
        return report
    return replace(report, correct=int((~wrong).sum()), labelled_rows=len(wrong))


def _read_stored_rows(context: StepContext, window: Window) -> Rows | None:
    """The rows of an earlier window; None where retention removed them, or they cannot be read."""
    try:
        return context.rows(window)
    except (CorruptArtifact, KeyError, ValueError):
        return None


def _mark_schema_changed(context: StepContext) -> Transition:
    """A window whose job was given other columns while it waited cannot be judged, and stops nobody."""
    reason = "its rows were stored under other columns than the schema names now"
    report = DriftReport(
        verdict=Verdict.INCONCLUSIVE, task=None, reason=reason, alpha=context.job.drift.alpha
    )
    return make_transition(context, WindowState.JUDGED, verdict=report.verdict, reason=reason, report=report)


def _load_references(
    context: StepContext, tasks: Sequence[Task], rows: Rows
) -> tuple[TaskComparisonData, ...]:
    """The reference of each of these tasks beside the window, with what earlier windows said against it."""
    models, job, manifest = context.ports.models, context.job, context.parent_manifest
    references = build_comparison_data(manifest, models, tasks, rows, context.window.number)
    all_references = list_references(context.stored_tasks, context.versions)
    references = with_monitor_state(
        references,
        select_version_tasks(all_references, context.versions, context.stream.parent_version),
        all_references,
        context.earlier_windows,
        lambda window: context.record_of(window.id).report,
        job,
    )
    if job.schema.id_column is None or job.drift.decision_rule != "sequential":
        return references

    def load_sample(task_name: str, windows: Sequence[Window]) -> Sample | None:
        late_rows = [loaded for window in windows if (loaded := _read_stored_rows(context, window))]
        if not late_rows:
            return None
        task = next(task for task in tasks if task.name == task_name)
        return build_sample(models.network(manifest), task, concat_rows(late_rows), job.schema)

    joins = context.ports.store.label_joins(context.stream.name)
    numbers = {window.id: window.number for window in context.windows}
    since = {task.name: numbers.get(task.window, 0) for task in tasks}  # its reference may hold earlier rows
    delayed = find_delayed_label_windows(context.earlier_windows, joins)
    later = {
        name: tuple(window for window in windows if window.number > since.get(name, 0))
        for name, windows in delayed.items()
    }
    return with_delayed_labels(references, later, load_sample)
