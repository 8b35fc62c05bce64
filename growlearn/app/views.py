"""Each listing as plain data with the documented keys; read from the store alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from growlearn.app.doctor.finding import Finding
from growlearn.domain.accuracy_estimate import AccuracyEstimate, count_right
from growlearn.domain.canary import Canary
from growlearn.domain.drift import DriftReport, DriftTestResult
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.interval import ConfidenceInterval
from growlearn.domain.job import Schedule
from growlearn.domain.lineage import BranchRecord, Version
from growlearn.domain.process import ProcessRecord
from growlearn.domain.stream import Stream
from growlearn.domain.stream_overview import StreamStatus
from growlearn.domain.window import Window
from growlearn.ports import Store
from growlearn.registry.matrix import load_accuracy_matrix
from growlearn.registry.promotion import get_aliases
from growlearn.registry.references import list_window_files

View = Mapping[str, Any]


def status_view(store: Store, name: str | None, now: datetime) -> View:
    """One stream, or all by name: `streams`; and the processes that serve them: `processes`."""
    canaries = {canary.stream: canary for canary in store.canaries.running()}
    return {
        "streams": [
            _stream_view(status, now, canaries.get(status.name))
            for status in store.stream_statuses(now, name)
        ],
        "processes": [_process_view(process, now) for process in store.processes()],
    }


def _process_view(process: ProcessRecord, now: datetime) -> View:
    return {
        "kind": process.kind.value,
        "host": process.host,
        "pid": process.pid,
        "growlearn_version": process.version,
        "started_at": process.started_at.isoformat(),
        "last_heartbeat": process.heartbeat_at.isoformat(),
        "next_look": None if process.next_look_at is None else process.next_look_at.isoformat(),
        "alive": process.is_alive(now),
    }


def _stream_view(status: StreamStatus, now: datetime, canary: Canary | None) -> View:
    view = {
        "name": status.name,
        "state": describe_stream_state(status),
        "champion": status.champion,
        "canary": None if canary is None else canary.version,
        "share_percent": None if canary is None else canary.share_percent,
        "pending": status.pending,
        "last_look": None if status.looked_at is None else status.looked_at.isoformat(),
        "next_look": find_next_look(status.schedule, now),
    }
    if not status.has_id_column:
        return view
    label_counts = {
        "awaiting_labels": status.awaiting_labels,
        "labels_missing": status.labels_missing,
        "pending_labels": status.pending_labels,
    }
    return {**view, **label_counts}


def find_next_look(schedule: Schedule, now: datetime) -> str | None:
    """When a schedule is due next; None for one that never is."""
    from growlearn.adapters.scheduler.times import next_fire_times

    try:
        return next_fire_times(schedule, now, 1)[0].isoformat()
    except GrowLearnError:
        return None


def describe_stream_state(status: StreamStatus) -> str:
    """What a stream does or waits for."""
    if status.has_active_lease:
        return "working"
    if status.is_paused:
        return "paused"
    if status.pending:
        return "waiting for a worker"
    if status.challenger is not None:
        return "waiting for promotion"
    if status.awaiting_labels:
        return "waiting for labels"
    return "idle" if status.has_windows else "new"


def windows_view(store: Store, stream: str, window: str | None = None) -> View:
    """Every window in order, or one of them with its quarantined rows: `windows`.

    `estimates_compared` and `estimates_right` are of all windows of the stream.
    """
    has_id_column = store.stream(stream).job.schema.id_column is not None
    estimates = store.accuracy_estimates(stream)
    selected = store.windows(stream) if window is None else [store.window(stream, window)]
    views = [_window_view(item, has_id_column, estimates.get(item.id)) for item in selected]
    if window is not None:
        bad_rows = [{"row": bad.row, "reason": bad.reason} for bad in store.bad_rows(stream, window)]
        views = [{**views[0], "bad_rows": bad_rows}]
    record = count_right(estimates.values())
    return {"windows": views, "estimates_compared": record.compared, "estimates_right": record.right}


def _window_view(window: Window, has_id_column: bool, estimate: AccuracyEstimate | None) -> View:
    view = {
        "id": window.id,
        "state": window.state.value,
        "rows": window.rows,
        "quarantined_rows": window.quarantined_rows,
        "task": window.task,
        "verdict": None if window.verdict is None else window.verdict.value,
        "reason": window.reason,
        "source": window.source,
        "estimate": None if estimate is None else _estimate_view(estimate),
    }
    if not has_id_column:
        return view
    return {**view, "labelled": window.labelled, "labels_missing": window.labels_missing}


def _estimate_view(estimate: AccuracyEstimate) -> View:
    known_interval = [estimate.known_low, estimate.known_high]
    return {
        "version": estimate.version,
        "rows": estimate.rows,
        "accuracy": estimate.accuracy,
        "interval": [estimate.low, estimate.high],
        "known_rows": estimate.known_rows,
        "known_accuracy": estimate.known_accuracy,
        "known_interval": known_interval if estimate.known_rows else None,
        "is_right": estimate.is_right,
    }


def drift_view(store: Store, stream: str, window: str | None) -> View:
    """The drift report of one window, or of every judged window: `reports`."""
    windows = store.windows(store.stream(stream).name) if window is None else [store.window(stream, window)]
    reports = [(item.id, store.window_record(stream, item.id).report) for item in windows]
    return {"reports": [_drift_report_view(name, report) for name, report in reports if report is not None]}


def _drift_report_view(window: str, report: DriftReport) -> View:
    return {
        "window": window,
        "verdict": report.verdict.value,
        "kind": None if report.kind is None else report.kind.value,
        "task": report.task,
        "reason": report.reason,
        "alpha": report.alpha,
        "scores": [_test_result_view(result) for result in report.test_results],
    }


def _test_result_view(result: DriftTestResult) -> View:
    return {
        "detector": result.detector,
        "task": result.task,
        "name": result.name,
        "statistic": _finite_or_none(result.statistic),
        "effect": _finite_or_none(result.effect_size),
        "p_value": _finite_or_none(result.p_value),
        "threshold": _finite_or_none(result.threshold),
        "reference_rows": result.reference_rows,
        "window_rows": result.window_rows,
    }


def _finite_or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None  # JSON has no NaN


def lineage_view(store: Store, stream: str) -> View:
    """Every branch that was trained, rejected ones too: `branches`."""
    return {"branches": [_branch_view(branch) for branch in store.branches(store.stream(stream).name)]}


def _branch_view(branch: BranchRecord) -> View:
    return {
        "id": branch.id,
        "parent": branch.parent,
        "task": branch.task,
        "window": branch.window,
        "version": branch.version,
        "parameters": branch.parameters,
        "sha256": branch.sha256,
        "state": branch.state.value,
        "created_at": branch.created_at.isoformat(),
    }


def resolve_version(stream: Stream, version: int | None) -> int | None:
    """The given version, else the champion, else the version that the next growth starts from."""
    if version is not None:
        return version
    return stream.champion if stream.champion is not None else stream.parent_version


def get_accuracy_matrix(store: Store, stream_name: str, version: int | None) -> AccuracyMatrix:
    """The accuracy matrix of one version, or of the champion; empty where nothing was trained."""
    stream = store.stream(stream_name)
    return load_accuracy_matrix(store, stream.name, resolve_version(stream, version))


def matrix_view(matrix: AccuracyMatrix) -> View:
    """The accuracy matrix and its figures, null where they are not defined."""
    return {
        "tasks": list(matrix.tasks),
        "accuracy": [list(row) for row in matrix.accuracy],
        "intervals": [[interval_view(interval) for interval in row] for row in matrix.intervals],
        "average_accuracy": matrix.average_accuracy,
        "backward_transfer": matrix.backward_transfer,
        "forward_transfer": matrix.forward_transfer,
        "forgetting": matrix.forgetting,
        "intransigence": matrix.intransigence,
        "metric": matrix.metric.value,
        "values": [list(row) for row in matrix.metric_values],
        "average_value": matrix.average_value,
    }


def interval_view(interval: ConfidenceInterval | None) -> list[float] | None:
    """[low, high]."""
    return None if interval is None else [interval.low, interval.high]


def versions_view(store: Store, stream_name: str, mlflow_warnings: Sequence[str] = ()) -> View:
    """Every version by number: `versions`; and what others changed in MLflow."""
    stream, removed = store.stream(stream_name), store.removed_files(stream_name)
    versions = store.versions(stream_name)
    removed_at = {
        version.number: max(
            (
                removed[digest]
                for digest in list_window_files(store, stream_name, version.window, version)
                if digest in removed
            ),
            default=None,
        )
        for version in (versions if removed else ())
    }
    return {
        "versions": [_version_view(stream, version, removed_at.get(version.number)) for version in versions],
        "mlflow_warnings": list(mlflow_warnings),
    }


def _version_view(stream: Stream, version: Version, removed_at: datetime | None) -> View:
    return {
        "version": version.number,
        "mlflow_version": version.mlflow_version,
        "aliases": [alias.value for alias in get_aliases(stream, version.number)],
        "branches": list(version.branches),
        "average_accuracy": version.average_accuracy,
        "created_at": version.created_at.isoformat(),
        "removed_at": None if removed_at is None else removed_at.isoformat(),
    }


def findings_view(findings: Sequence[Finding]) -> View:
    """The findings of all checks, in order: `findings`."""
    return {
        "findings": [
            {
                "check": finding.check,
                "state": finding.state.value,
                "message": finding.message,
                "hint": finding.hint,
            }
            for finding in findings
        ]
    }
