"""The differences of two models, a recorded one and its reproduction, in weights and in outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from growlearn.domain.lineage import Manifest
from growlearn.ingest.rows import Rows
from growlearn.network.bitwise_check import max_abs_difference
from growlearn.network.model import weights
from growlearn.network.model.network import Logits, load_network
from growlearn.network.router.router import load_router

ArtifactReader = Callable[[str], bytes]


class ReproductionStatus(StrEnum):
    """How close a reproduced model is to the recorded one."""

    BIT_EQUAL = "bit-equal"
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True, kw_only=True)
class TensorDiff:
    """A tensor that differs, in one part of the model: a branch, a head, or a part of the router.

    `tensor` is None where only one model has the part. `difference` is the largest absolute difference,
    infinite where the two tensors cannot be subtracted.
    """

    part: str
    tensor: str | None
    difference: float


@dataclass(frozen=True, kw_only=True)
class ModelDiff:
    """The tensors that differ between two models, largest difference first, and how far outputs differ.

    `output_difference` is the largest absolute difference of a probability, of a class or of a task that a
    row is routed to, on `rows` rows.
    """

    tensor_differences: tuple[TensorDiff, ...]
    output_difference: float
    rows: int

    @property
    def weight_difference(self) -> float:
        """The largest absolute difference of a weight."""
        return max((diff.difference for diff in self.tensor_differences), default=0.0)

    def status(self, tolerance: float) -> ReproductionStatus:
        """The status, where probabilities may differ by `tolerance`."""
        if not self.tensor_differences:
            return ReproductionStatus.BIT_EQUAL
        return (
            ReproductionStatus.WITHIN_TOLERANCE
            if self.output_difference <= tolerance
            else ReproductionStatus.DIFFERENT
        )


def diff_models(
    recorded: Manifest, reproduced: Manifest, read_artifact: ArtifactReader, rows: Mapping[str, Rows]
) -> ModelDiff:
    """Compare every stored part of two models, and their outputs on rows of some tasks.

    Outputs are not computed where all weights are bit-equal.
    """
    tensor_differences = sorted(
        _diff_tensors(recorded, reproduced, read_artifact), key=lambda diff: -diff.difference
    )
    output_difference = (
        _max_output_difference(recorded, reproduced, read_artifact, rows) if tensor_differences else 0.0
    )
    return ModelDiff(
        tensor_differences=tuple(tensor_differences),
        output_difference=output_difference,
        rows=sum(map(len, rows.values())),
    )


def list_part_digests(manifest: Manifest) -> dict[str, str]:
    """sha256 of every part of a model, by a readable name."""
    parts = {f"branch {branch.id}": branch.sha256 for branch in manifest.branches}
    parts |= {f"head of task {head.name!r}": head.sha256 for head in manifest.tasks}
    router = manifest.router
    if router is not None:
        parts |= {"router's features": router.features, "router's Gram matrices": router.gram_matrices}
        parts["router's ridge weights"] = router.ridge_weights
        if router.stem is not None:
            parts["branch whose stem the router reads"] = router.stem
    return parts


def _diff_tensors(
    recorded: Manifest, reproduced: Manifest, read_artifact: ArtifactReader
) -> Iterator[TensorDiff]:
    recorded_parts, reproduced_parts = list_part_digests(recorded), list_part_digests(reproduced)
    for part in {**recorded_parts, **reproduced_parts}:
        if recorded_parts.get(part) == reproduced_parts.get(part):
            continue
        if part not in recorded_parts or part not in reproduced_parts:
            yield TensorDiff(part=part, tensor=None, difference=math.inf)
            continue
        first = weights.load_weights(read_artifact(recorded_parts[part]))
        second = weights.load_weights(read_artifact(reproduced_parts[part]))
        for tensor in {**first, **second}:
            gap = max_abs_difference(first.get(tensor), second.get(tensor))
            if gap is not None:
                yield TensorDiff(part=part, tensor=tensor, difference=gap)


def _max_output_difference(
    recorded: Manifest, reproduced: Manifest, read_artifact: ArtifactReader, rows: Mapping[str, Rows]
) -> float:
    pairs = zip(
        _iter_outputs(recorded, read_artifact, rows),
        _iter_outputs(reproduced, read_artifact, rows),
        strict=True,
    )
    return max((_max_abs_output_difference(first, second) for first, second in pairs), default=0.0)


def _iter_outputs(
    manifest: Manifest, read_artifact: ArtifactReader, rows: Mapping[str, Rows]
) -> Iterator[Logits]:
    """Class probabilities of each task on its rows, then the router's task probabilities of the same rows."""
    network = load_network(manifest, read_artifact)
    for task, task_rows in rows.items():
        yield network.probabilities(task_rows, task)
    if manifest.router is not None:
        router = load_router(manifest, network.root_stem, read_artifact)
        for task_rows in rows.values():
            yield router.probabilities(task_rows, manifest.routable_tasks).numpy()


def _max_abs_output_difference(first: Logits, second: Logits) -> float:
    if first.shape != second.shape:
        return math.inf
    largest = float(np.abs(first.astype(np.float64) - second).max(initial=0.0))
    return largest if math.isfinite(largest) else math.inf
