"""What a cycle's record is called in MLflow: names, tags and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Stream
from growlearn.ports import CycleRecord
from growlearn.registry.candidate import Result
from growlearn.registry.provenance import data_of

_LOGGED_SECTIONS = ("model", "drift", "growth", "gates")
_LONGEST = 150  # MLflow takes keys of 250 characters


def experiment_name(stream: str) -> str:
    """One experiment a stream."""
    return f"growlearn/{stream}"


def stream_tags(stream: Stream) -> dict[str, str]:
    """Which stream this is; a stream deleted and made anew is another one."""
    return {"growlearn.stream": stream.name, "growlearn.stream_created": stream.created_at.isoformat()}


def run_key(record: CycleRecord) -> dict[str, str]:
    """Tags by which a window's run is found again."""
    return {**stream_tags(record.stream), "growlearn.window": record.window.id}


def version_key(stream: Stream, version: Version) -> dict[str, str]:
    """Tags by which a registered version is found again."""
    return {**stream_tags(stream), "growlearn.version": str(version.number)}


def run_tags(record: CycleRecord) -> dict[str, str]:
    """Every tag of a window's run."""
    window = record.window
    tags = run_key(record) | {
        "growlearn.state": window.state.value,
        "growlearn.verdict": window.verdict.value if window.verdict else "none",
        "mlflow.source.name": "growlearn",
        "mlflow.source.type": "JOB",
        "mlflow.note.content": run_note(record),
    }
    if window.task is not None:
        tags["growlearn.task"] = window.task
    return tags


def run_note(record: CycleRecord) -> str:
    """The window's story in a few words, shown on the run's page."""
    window = record.window
    verdict = f"{window.verdict}, " if window.verdict else ""
    lines = [f"Window {window.id} of stream {window.stream}: {verdict}{window.state}.", window.reason or ""]
    lines += [f"Gate {gate.gate}: {gate.reason}" for gate in record.record.gates]
    return "\n\n".join(line for line in lines if line)


def version_tags(stream: Stream, version: Version) -> dict[str, str]:
    """Every tag of a registered version: its lineage, its figures and the hash of every branch."""
    tags = version_key(stream, version) | {
        "growlearn.parent": "none" if version.parent is None else str(version.parent),
        "growlearn.branches": ",".join(version.branches),
        "growlearn.tasks": ",".join(version.tasks),
        "growlearn.window": version.window,
        "growlearn.average_accuracy": repr(version.average_accuracy),
        "growlearn.parameters": str(version.parameters),
    }
    return tags | {f"growlearn.sha256.{branch.id}": branch.sha256 for branch in version.manifest.branches}


def why_tags(record: CycleRecord) -> dict[str, str]:
    """Why a version is there, as tags of it: verdict, the way that won, and what each gate said."""
    report, worth = record.record.report, record.record.worth
    tags = {} if report is None else {"growlearn.verdict": report.verdict.value}
    if worth is not None:
        tags["growlearn.kept"] = worth.winner.value
    told = {
        f"growlearn.gate.{gate.gate}": f"{gate.figure:.6g} (bound {gate.bound:.6g})"
        for gate in record.record.gates
    }
    return tags | told


def version_note(version: Version) -> str:
    """One version in words."""
    grown = "grown from nothing" if version.parent is None else f"grown from version {version.parent}"
    return (
        f"Version {version.number} of stream {version.stream}, {grown} on window {version.window}: "
        f"branches {', '.join(version.branches)}; tasks {', '.join(version.tasks)}; "
        f"average accuracy {version.average_accuracy:.4f}; {version.parameters:,} parameters."
    )


def run_params(record: CycleRecord) -> dict[str, str]:
    """The job's sections flattened as section.key, and the plan where one was made.

    Where there is a plan, the network and its training are what the plan says, whatever the job says
    by now.
    """
    plan = record.record.plan
    sections = asdict(record.stream.job)
    if plan is not None:
        sections |= {"model": asdict(plan.base.model), "growth": asdict(plan.growth)}
    params = {f"{name}.{key}": value for name in _LOGGED_SECTIONS for key, value in sections[name].items()}
    if isinstance(plan, ConsolidationPlan):
        params |= {
            "plan.tasks": tuple(lesson.task for lesson in plan.lessons),
            "plan.new_branches": plan.new_branches,
            "plan.max_accuracy_loss": plan.max_accuracy_loss,
            "plan.seed": plan.seed,
        }
    if isinstance(plan, GrowthPlan):
        params |= {
            "plan.task": plan.task,
            "plan.parent": plan.parent,
            "plan.birth": plan.birth,
            "plan.lineage": plan.lineage,
            "plan.new_branches": plan.new_branches,
            "plan.classes": plan.classes,
            "plan.copy_head": plan.copy_head,
            "plan.seed": plan.seed,
        } | {f"plan.{part}": sha256 for part, sha256 in data_of(plan).items()}
    params |= _circumstances(record.record.result)
    return {key: _text(value) for key, value in params.items()}


def _circumstances(result: Result | None) -> dict[str, str]:
    """Where and with what it was trained; nothing for results that do not say."""
    found = None if result is None else result.circumstances
    return {} if found is None else {f"circumstances.{name}": text for name, text in found.facts().items()}


def safe_names(names: Iterable[str]) -> Mapping[str, str]:
    """Names from the data (tasks) in a form that MLflow takes inside a key, still distinct.

    >>> dict(safe_names(["plain", "a/b", "a?b", ".."]))
    {'plain': 'plain', 'a/b': 'a_b', 'a?b': 'a_b-2', '..': '_'}
    """
    safe: dict[str, str] = {}
    for name in names:
        base = re.sub(r"[^\w.\- ]", "_", name)[:_LONGEST].strip(" .") or "_"
        taken, chosen, number = set(safe.values()), base, 2
        while chosen in taken:
            chosen, number = f"{base}-{number}", number + 1
        safe[name] = chosen
    return safe


def _text(value: Any) -> str:
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
