"""What each listing says, as plain data with the documented keys; read from the record alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from growlearn.app.doctor.finding import Finding
from growlearn.domain.drift import DriftReport, Score
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.interval import Interval
from growlearn.domain.lineage import Branch, Version
from growlearn.domain.stream import Stream
from growlearn.domain.window import Window, WindowState
from growlearn.ports import Store
from growlearn.registry.matrix import matrix_for
from growlearn.registry.promotion import aliases_of

View = Mapping[str, Any]


def status_view(store: Store, name: str | None, now: datetime) -> View:
    """One stream, or all by name: `streams`."""
    streams = store.streams() if name is None else [store.stream(name)]
    return {"streams": [_status(store, stream, now) for stream in streams]}


def _status(store: Store, stream: Stream, now: datetime) -> View:
    pending = store.count_pending(stream.name)
    view = {
        "name": stream.name,
        "state": _state(store, stream, pending, now),
        "champion": stream.champion,
        "pending": pending,
    }
    return view if stream.job.schema.key is None else {**view, **_late_labels(store, stream.name)}


def _late_labels(store: Store, stream: str) -> View:
    """What labels and rows wait for each other, of a stream whose schema names a key."""
    waiting = _waiting(store, stream)
    return {
        "waiting": len(waiting),
        "lacking": sum(window.lacking or 0 for window in waiting),
        "early_labels": sum(each.labels for each in store.early_labels(stream)),
    }


def _waiting(store: Store, stream: str) -> list[Window]:
    return [window for window in store.windows(stream) if window.state is WindowState.WAITING]


def _state(store: Store, stream: Stream, pending: int, now: datetime) -> str:
    if store.is_led(stream.name, now):
        return "working"
    if pending:
        return "waiting for a worker"
    if stream.challenger is not None:
        return "waiting for promotion"
    if _waiting(store, stream.name):
        return "waiting for labels"
    return "idle" if store.windows(stream.name) else "new"


def windows_view(store: Store, stream: str, window: str | None = None) -> View:
    """Every window in order, or one of them with the rows kept out of it: `windows`."""
    keyed = store.stream(stream).job.schema.key is not None
    if window is None:
        return {"windows": [_window(each, keyed) for each in store.windows(stream)]}
    one = store.window(stream, window)
    kept_out = [{"row": bad.row, "reason": bad.reason} for bad in store.bad_rows(stream, window)]
    return {"windows": [{**_window(one, keyed), "bad_rows": kept_out}]}


def _window(window: Window, keyed: bool) -> View:
    view = {
        "id": window.id,
        "state": window.state.value,
        "rows": window.rows,
        "quarantined_rows": window.quarantined_rows,
        "task": window.task,
        "verdict": None if window.verdict is None else window.verdict.value,
        "reason": window.reason,
        "source": window.source,
    }
    return view if not keyed else {**view, "labelled": window.labelled, "lacking": window.lacking}


def drift_view(store: Store, stream: str, window: str | None) -> View:
    """The drift report of one window, or of every judged one: `reports`."""
    wanted = store.windows(store.stream(stream).name) if window is None else [store.window(stream, window)]
    reports = [(each.id, store.record(stream, each.id).report) for each in wanted]
    return {"reports": [_report(name, report) for name, report in reports if report is not None]}


def _report(window: str, report: DriftReport) -> View:
    return {
        "window": window,
        "verdict": report.verdict.value,
        "kind": None if report.kind is None else report.kind.value,
        "task": report.task,
        "reason": report.reason,
        "alpha": report.alpha,
        "scores": [_score(score) for score in report.scores],
    }


def _score(score: Score) -> View:
    return {
        "detector": score.detector,
        "task": score.task,
        "name": score.name,
        "statistic": _finite(score.statistic),
        "effect": _finite(score.effect),
        "p_value": _finite(score.p_value),
        "threshold": _finite(score.threshold),
        "reference_rows": score.reference_rows,
        "window_rows": score.window_rows,
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None  # JSON has no NaN


def lineage_view(store: Store, stream: str) -> View:
    """Every branch ever grown, rejected ones too: `branches`."""
    return {"branches": [_branch(branch) for branch in store.branches(store.stream(stream).name)]}


def _branch(branch: Branch) -> View:
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


def shown_version(stream: Stream, version: int | None) -> int | None:
    """The version a reader means: the one asked for, else the champion, else the newest base."""
    if version is not None:
        return version
    return stream.champion if stream.champion is not None else stream.base


def matrix_of_version(store: Store, stream_name: str, version: int | None) -> AccuracyMatrix:
    """The accuracy matrix behind one version, or behind the champion; empty where nothing is grown."""
    stream = store.stream(stream_name)
    return matrix_for(store, stream.name, shown_version(stream, version))


def matrix_view(matrix: AccuracyMatrix) -> View:
    """The accuracy matrix and its figures, null where they are not defined."""
    return {
        "tasks": list(matrix.tasks),
        "accuracy": [list(row) for row in matrix.accuracy],
        "intervals": [[interval_view(interval) for interval in row] for row in matrix.intervals],
        "average_accuracy": matrix.average_accuracy,
        "backward_transfer": matrix.backward_transfer,
        "forward_transfer": matrix.forward_transfer,
        "forward_transfer_alone": matrix.forward_transfer_alone,
        "forgetting": matrix.forgetting,
        "intransigence": matrix.intransigence,
    }


def interval_view(interval: Interval | None) -> list[float] | None:
    """From, to."""
    return None if interval is None else [interval.low, interval.high]


def versions_view(store: Store, stream_name: str) -> View:
    """Every version by number: `versions`."""
    stream = store.stream(stream_name)
    return {"versions": [_version(stream, version) for version in store.versions(stream_name)]}


def _version(stream: Stream, version: Version) -> View:
    return {
        "version": version.number,
        "mlflow_version": version.mlflow_version,
        "aliases": [alias.value for alias in aliases_of(stream, version.number)],
        "branches": list(version.branches),
        "average_accuracy": version.average_accuracy,
        "created_at": version.created_at.isoformat(),
    }


def findings_view(findings: Sequence[Finding]) -> View:
    """What a look at the installation found, in order: `findings`."""
    return {
        "findings": [
            {"check": each.check, "state": each.state.value, "found": each.found, "cure": each.cure}
            for each in findings
        ]
    }
