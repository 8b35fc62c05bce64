"""What a user of an exported file has to know of it, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from growlearn.adapters.graphs.verification import GraphVerification
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.schema import InputType
from growlearn.network.graph.inputs import MISSING_CODE, UNKNOWN_CODE, GraphInput, GraphInputs
from growlearn.network.graph.prediction import PredictionGraph

_FORMAT = 1
_BATCH = "batch"
_CODES = f"the code of each value; {UNKNOWN_CODE} for a value that has none, {MISSING_CODE} for a missing one"
_VALUES: Mapping[InputType, str] = {
    InputType.IMAGE: "pixels 0 to 255",
    InputType.NUMBER: "numbers as they are; NaN for a missing one",
    InputType.CATEGORY: _CODES,
    InputType.BOOLEAN: _CODES,
    InputType.TOKENS: "token ids; -1 after the last of a row",
    InputType.SERIES: "values as they are",
    InputType.DATETIME: "microseconds since 1970 in UTC; -9223372036854775808, NumPy's NaT, for none",
}


def describe_graph(
    manifest: Manifest,
    task: str | None,
    graph: PredictionGraph,
    files: Mapping[str, str],
    runtime: Mapping[str, Any],
    verification: GraphVerification,
) -> dict[str, Any]:
    """The description of a written graph; `files` are the sha256 of each file by its name."""
    answering = graph.answering
    lineages = {branch for head in answering.heads for branch in head.lineage}
    return {
        "format": _FORMAT,
        "stream": manifest.stream,
        "task": task,
        "files": dict(files),
        "runtime": dict(runtime),
        "inputs": [_describe_input(tensor, graph.inputs) for tensor in graph.inputs.tensors],
        "outputs": _describe_outputs(graph),
        "labels": list(answering.labels),
        "tasks": [_describe_head(head) for head in answering.heads],
        "branches": {branch.id: branch.sha256 for branch in manifest.branches if branch.id in lineages},
        "verification": asdict(verification),
    }


def _describe_input(tensor: GraphInput, inputs: GraphInputs) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": tensor.name,
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": [_BATCH, *tensor.shape],
        "type": str(tensor.type),
        "columns": list(tensor.columns),
        "values": _VALUES[tensor.type],
    }
    codes = {column: dict(inputs.codes[column]) for column in tensor.columns if column in inputs.codes}
    return {**described, "codes": codes} if codes else described


def _describe_outputs(graph: PredictionGraph) -> list[dict[str, Any]]:
    is_routed = graph.router is not None
    of_task = " times that of the task" if is_routed else ""
    outputs = [
        ("prediction", "int64", [], "the index of the predicted label among the labels"),
        ("probability", "float32", [], f"the probability of the predicted label{of_task}"),
        (
            "probabilities",
            "float32",
            [len(graph.answering.labels)],
            f"the probability of each label{', given the task' if is_routed else ''}",
        ),
    ]
    if is_routed:
        outputs.append(("task", "int64", [], "the index of the task that the row was routed to"))
    return [
        {"name": name, "dtype": dtype, "shape": [_BATCH, *shape], "values": values}
        for name, dtype, shape, values in outputs
    ]


def _describe_head(head: TaskHead) -> dict[str, Any]:
    """A head; temperature, offsets and threshold are in the graph already."""
    return {
        "name": head.name,
        "classes": list(head.classes),
        "lineage": list(head.lineage),
        "sha256": head.sha256,
        "temperature": head.calibration.temperature,
        "offsets": list(head.calibration.offsets),
        "threshold": head.threshold,
    }
