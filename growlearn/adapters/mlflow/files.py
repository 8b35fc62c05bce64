"""The files of a window's run: tables that MLflow's page can show, plots, and reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from growlearn.adapters.mlflow.encoding import encode_csv, encode_indented_json, encode_table
from growlearn.adapters.mlflow.evaluation import EVALUATION_TABLES, make_evaluation_files
from growlearn.adapters.mlflow.plots import plot_accuracy_matrix, plot_drift, plot_loss, plot_prefix_curve
from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.growth import GrowthResult
from growlearn.evaluation.metrics.task_metrics import TaskMetrics
from growlearn.ports import WindowReport

_TABLES_TAG = "mlflow.loggedArtifacts"  # lists for MLflow's page which JSON files are tables
_TABLE_FILES = ("matrix.json", "loss.json", "prefix_curve.json", "gates.json", *EVALUATION_TABLES)


def make_run_files(window_report: WindowReport, tasks: Sequence[TaskMetrics]) -> dict[str, bytes]:
    """Content by path; only what this window has. `tasks` are the metrics of its evaluation."""
    files: dict[str, bytes] = {}
    if window_report.record.report is not None:
        files["drift/report.json"] = encode_indented_json(asdict(window_report.record.report))
        if window_report.record.report.test_results:
            files["drift/scores.png"] = plot_drift(window_report.record.report.test_results)
    if window_report.record.result is not None:
        files |= _make_growth_files(window_report.record.result)
    if window_report.record.evaluation is not None and window_report.matrix.tasks:
        files |= _make_matrix_files(window_report.matrix)
    if window_report.record.evaluation is not None and tasks:
        files |= make_evaluation_files(tasks, window_report.record.evaluation.task, window_report.matrix)
    if window_report.record.gates:
        rows = [list(asdict(gate).values()) for gate in window_report.record.gates]
        files["gates.json"] = encode_table(["gate", "value", "threshold", "passed", "reason"], rows)
    if window_report.decision_report:
        files["why.md"] = _render_report(window_report).encode()
    if window_report.branches:
        files["lineage.json"] = encode_indented_json(
            {"branches": [_select_branch_fields(asdict(branch)) for branch in window_report.branches]}
        )
    return files


def _render_report(window_report: WindowReport) -> str:
    """The decision report of the window, as Markdown."""
    parts = [f"# {window_report.stream.name} {window_report.window.id}"]
    for section in window_report.decision_report:
        parts += [f"## {section.heading}", "\n".join(f"- {line}" for line in section.lines)]
    return "\n\n".join(parts) + "\n"


def make_tables_tag(files: dict[str, bytes]) -> dict[str, str]:
    """The tag that lists these files' tables; nothing where none is one."""
    tables = [{"path": path, "type": "table"} for path in files if path in _TABLE_FILES]
    return {_TABLES_TAG: json.dumps(tables)} if tables else {}


def _make_growth_files(result: GrowthResult | ConsolidationResult) -> dict[str, bytes]:
    columns = ["epoch", "train_loss", "validation_loss", "validation_accuracy", "seconds", "validation_value"]
    rows = [list(asdict(epoch).values()) for epoch in result.epochs]
    curve_files = _make_prefix_curve_files(result) if isinstance(result, GrowthResult) else {}
    return curve_files | {
        "loss.json": encode_table(columns, rows),
        "loss.csv": encode_csv(columns, rows),
        "loss.png": plot_loss(result.epochs, result.initial_loss),
    }


def _make_prefix_curve_files(result: GrowthResult) -> dict[str, bytes]:
    """What each branch of the new task's lineage contributes; empty for results without a prefix curve."""
    if not result.prefix_curve:
        return {}
    columns = ["branches", "last", "loss", "accuracy", "kept"]
    rows = [
        [n, point.branch or "stem", point.loss, point.accuracy, n <= len(result.lineage)]
        for n, point in enumerate(result.prefix_curve)
    ]
    return {
        "prefix_curve.json": encode_table(columns, rows),
        "prefix_curve.csv": encode_csv(columns, rows),
        "prefix_curve.png": plot_prefix_curve(result.prefix_curve, len(result.lineage)),
    }


def _make_matrix_files(matrix: AccuracyMatrix) -> dict[str, bytes]:
    columns = ["after", *matrix.tasks]
    rows = [[task, *row] for task, row in zip(matrix.tasks, matrix.accuracy, strict=True)]
    return {
        "matrix.json": encode_table(columns, rows),
        "matrix.csv": encode_csv(columns, rows),
        "matrix.png": plot_accuracy_matrix(matrix),
    }


def _select_branch_fields(branch: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "parent", "task", "window", "version", "parameters", "sha256", "state", "created_at")
    return {key: branch[key] for key in keys}
