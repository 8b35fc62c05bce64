"""The files of a window's run: tables that MLflow's page can show, pictures, and reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from growlearn.adapters.mlflow.encoding import csv_text, json_text, table
from growlearn.adapters.mlflow.evaluation import TABLES, evaluation_files
from growlearn.adapters.mlflow.pictures import (
    approximation_picture,
    drift_picture,
    loss_picture,
    matrix_picture,
)
from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.growth import GrowthResult
from growlearn.evaluation.figures.task import TaskFigures
from growlearn.ports import CycleRecord

TABLES_TAG = "mlflow.loggedArtifacts"
"""The run tag that tells MLflow's page which JSON files are tables."""


_TABLES = ("matrix.json", "loss.json", "approximation.json", "gates.json", *TABLES)


def run_files(record: CycleRecord, tasks: Sequence[TaskFigures]) -> dict[str, bytes]:
    """Content by path; only what this window has. `tasks` are the figures of its evaluation."""
    files: dict[str, bytes] = {}
    if record.record.report is not None:
        files["drift/report.json"] = json_text(asdict(record.record.report))
        if record.record.report.scores:
            files["drift/scores.png"] = drift_picture(record.record.report.scores)
    if record.record.result is not None:
        files |= _growth_files(record.record.result)
    if record.record.evaluation is not None and record.matrix.tasks:
        files |= _matrix_files(record.matrix)
    if record.record.evaluation is not None and tasks:
        files |= evaluation_files(tasks, record.record.evaluation.task, record.matrix)
    if record.record.gates:
        rows = [list(asdict(gate).values()) for gate in record.record.gates]
        files["gates.json"] = table(["gate", "figure", "bound", "passed", "reason"], rows)
    if record.story:
        files["why.md"] = _page(record).encode()
    if record.branches:
        files["lineage.json"] = json_text(
            {"branches": [_branch(asdict(branch)) for branch in record.branches]}
        )
    return files


def _page(record: CycleRecord) -> str:
    """The story of the window, as Markdown."""
    parts = [f"# {record.stream.name} {record.window.id}"]
    for chapter in record.story:
        parts += [f"## {chapter.heading}", "\n".join(f"- {line}" for line in chapter.lines)]
    return "\n\n".join(parts) + "\n"


def tables_tag(files: dict[str, bytes]) -> str:
    """The value of TABLES_TAG for these files."""
    tables = [path for path in files if path in _TABLES]
    return json.dumps([{"path": path, "type": "table"} for path in tables])


def _growth_files(result: GrowthResult | ConsolidationResult) -> dict[str, bytes]:
    columns = ["epoch", "train_loss", "validation_loss", "validation_accuracy", "seconds"]
    rows = [list(asdict(epoch).values()) for epoch in result.epochs]
    curve = _approximation_files(result) if isinstance(result, GrowthResult) else {}
    return curve | {
        "loss.json": table(columns, rows),
        "loss.csv": csv_text(columns, rows),
        "loss.png": loss_picture(result.epochs, result.birth_loss),
    }


def _approximation_files(result: GrowthResult) -> dict[str, bytes]:
    """What each branch of the new task's lineage contributes; nothing for results that do not say."""
    if not result.approximation:
        return {}
    columns = ["branches", "last", "loss", "accuracy", "kept"]
    rows = [
        [n, point.branch or "stem", point.loss, point.accuracy, n <= len(result.lineage)]
        for n, point in enumerate(result.approximation)
    ]
    return {
        "approximation.json": table(columns, rows),
        "approximation.csv": csv_text(columns, rows),
        "approximation.png": approximation_picture(result.approximation, len(result.lineage)),
    }


def _matrix_files(matrix: AccuracyMatrix) -> dict[str, bytes]:
    columns = ["after", *matrix.tasks]
    rows = [[task, *row] for task, row in zip(matrix.tasks, matrix.accuracy, strict=True)]
    return {
        "matrix.json": table(columns, rows),
        "matrix.csv": csv_text(columns, rows),
        "matrix.png": matrix_picture(matrix),
    }


def _branch(branch: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "parent", "task", "window", "version", "parameters", "sha256", "state", "created_at")
    return {key: branch[key] for key in keys}
