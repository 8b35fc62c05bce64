"""The names, tags and parameters that a window and a version get in MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Version
from growlearn.domain.redaction import redact
from growlearn.domain.stream import Stream
from growlearn.ports import WindowReport
from growlearn.registry.provenance import get_data_hashes
from growlearn.registry.records import CandidateResult

_LOGGED_SECTIONS = ("model", "drift", "refine", "growth", "gates")
STREAM_TAG, CREATED_TAG, VERSION_TAG = "growlearn.stream", "growlearn.stream_created", "growlearn.version"
_MAX_KEY_LENGTH = 150  # MLflow takes keys of 250 characters
_MAX_NOTE_LENGTH = 8000  # of a tag; a new run's is not cut, and its database refuses a longer one


def make_experiment_name(stream: str) -> str:
    """One experiment a stream."""
    return f"growlearn/{stream}"


def make_stream_tags(stream: Stream) -> dict[str, str]:
    """Which stream this is; a stream deleted and created again is another one."""
    return {STREAM_TAG: stream.name, CREATED_TAG: stream.created_at.isoformat()}


def make_run_key(window_report: WindowReport) -> dict[str, str]:
    """Tags by which a window's run is looked up."""
    key = {**make_stream_tags(window_report.stream), "growlearn.window": window_report.window.id}
    return key if window_report.version is None else key | _make_weights_tag(window_report.version)


def make_version_key(stream: Stream, version: Version) -> dict[str, str]:
    """Tags that a registered version has if, and only if, it is this version of this stream."""
    tags = {**make_stream_tags(stream), VERSION_TAG: str(version.number)}
    return tags | _make_weights_tag(version)


def _make_weights_tag(version: Version) -> dict[str, str]:
    """One hash of all weights: a copied installation has the same streams, and soon other weights."""
    digest = sha256(" ".join(version.manifest.inference_artifacts).encode()).hexdigest()
    return {"growlearn.weights_sha256": digest}


def make_run_tags(window_report: WindowReport) -> dict[str, str]:
    """Every tag of a window's run."""
    window = window_report.window
    tags = make_run_key(window_report) | {
        "growlearn.state": window.state.value,
        "growlearn.verdict": window.verdict.value if window.verdict else "none",
        "mlflow.source.name": "growlearn",
        "mlflow.source.type": "JOB",
        "mlflow.note.content": make_run_note(window_report),
    }
    if window.task is not None:
        tags["growlearn.task"] = window.task
    return tags


def make_run_note(window_report: WindowReport) -> str:
    """A short summary of the window, shown on the run's page; cut to what a tag holds."""
    window = window_report.window
    verdict = f"{window.verdict}, " if window.verdict else ""
    lines = [f"Window {window.id} of stream {window.stream}: {verdict}{window.state}.", window.reason or ""]
    lines += [f"Gate {gate.gate}: {gate.reason}" for gate in window_report.record.gates]
    return "\n\n".join(line for line in lines if line)[:_MAX_NOTE_LENGTH]


def make_version_tags(stream: Stream, version: Version) -> dict[str, str]:
    """Every tag of a registered version: its lineage, its metrics and the hash of every branch."""
    tags = make_version_key(stream, version) | {
        "growlearn.parent": "none" if version.parent is None else str(version.parent),
        "growlearn.branches": ",".join(version.branches),
        "growlearn.tasks": ",".join(version.tasks),
        "growlearn.window": version.window,
        "growlearn.average_accuracy": repr(version.average_accuracy),
        "growlearn.parameters": str(version.parameters),
    }
    return tags | {f"growlearn.sha256.{branch.id}": branch.sha256 for branch in version.manifest.branches}


def make_decision_tags(window_report: WindowReport) -> dict[str, str]:
    """Why a version was made, as tags: the verdict, the selected candidate and each gate's result."""
    report, model_selection = window_report.record.report, window_report.record.model_selection
    tags = {} if report is None else {"growlearn.verdict": report.verdict.value}
    if model_selection is not None:
        tags["growlearn.selected"] = model_selection.selected.value
    gate_tags = {
        f"growlearn.gate.{gate.gate}": f"{gate.value:.6g} (threshold {gate.threshold:.6g})"
        for gate in window_report.record.gates
    }
    return tags | gate_tags


def make_version_note(version: Version) -> str:
    """The description of one version."""
    origin = "grown from nothing" if version.parent is None else f"grown from version {version.parent}"
    return (
        f"Version {version.number} of stream {version.stream}, {origin} on window {version.window}: "
        f"branches {', '.join(version.branches)}; tasks {', '.join(version.tasks)}; "
        f"average accuracy {version.average_accuracy:.4f}; {version.parameters:,} parameters."
    )


def make_run_params(window_report: WindowReport) -> dict[str, str]:
    """The job's sections flattened as section.key, and the plan where one was made.

    Where there is a plan, the network and its training are logged as the plan has them: the job may
    have changed since.
    """
    plan = window_report.record.plan
    sections = asdict(window_report.stream.job)
    if plan is not None:
        sections |= {"model": asdict(plan.parent_manifest.model), "growth": asdict(plan.growth)}
    params = {f"{name}.{key}": value for name in _LOGGED_SECTIONS for key, value in sections[name].items()}
    if isinstance(plan, ConsolidationPlan):
        params |= {
            "plan.tasks": tuple(task_data.task for task_data in plan.task_data),
            "plan.new_branches": plan.new_branches,
            "plan.max_accuracy_drop": plan.max_accuracy_drop,
            "plan.seed": plan.seed,
        }
    if isinstance(plan, GrowthPlan):
        params |= {
            "plan.task": plan.task,
            "plan.parent_task": plan.parent_task,
            "plan.init": plan.init,
            "plan.lineage": plan.lineage,
            "plan.new_branches": plan.new_branches,
            "plan.classes": plan.classes,
            "plan.init_head_from_parent": plan.init_head_from_parent,
            "plan.seed": plan.seed,
        } | {f"plan.{part}": sha256 for part, sha256 in get_data_hashes(plan).items()}
    if isinstance(plan, GrowthPlan) and plan.refinement is not None:
        params |= {
            "plan.refinement.windows": plan.refinement.windows,
            "plan.refinement.new_rows": plan.refinement.new_rows,
            "plan.refinement.reason": plan.refinement.reason,
        }
    params |= _make_environment_params(window_report.record.result)
    return {key: redact(_to_text(value)) for key, value in params.items()}


def _make_environment_params(result: CandidateResult | None) -> dict[str, str]:
    """The hardware and software it was trained with; empty for results that do not record them."""
    environment = None if result is None else result.environment
    return (
        {}
        if environment is None
        else {f"environment.{name}": text for name, text in environment.as_dict().items()}
    )


def make_safe_names(names: Iterable[str]) -> Mapping[str, str]:
    """Names from the data (tasks) in a form that MLflow takes inside a key, still distinct.

    >>> dict(make_safe_names(["plain", "a/b", "a?b", ".."]))
    {'plain': 'plain', 'a/b': 'a_b', 'a?b': 'a_b-2', '..': '_'}
    """
    safe: dict[str, str] = {}
    for name in names:
        cleaned = re.sub(r"[^\w.\- ]", "_", name)[:_MAX_KEY_LENGTH].strip(" .") or "_"
        taken, chosen, number = set(safe.values()), cleaned, 2
        while chosen in taken:
            chosen, number = f"{cleaned}-{number}", number + 1
        safe[name] = chosen
    return safe


def _to_text(value: Any) -> str:
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
