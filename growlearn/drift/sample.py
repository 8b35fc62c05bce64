"""The sample a detector compares: input columns, head features and model outputs of some rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from growlearn.domain.schema import InputType, Label
from growlearn.ingest.rows import Column

Outputs = npt.NDArray[np.floating]
"""Softmax outputs of one task's head: [rows, classes]."""
HeadFeatures = npt.NDArray[np.floating]
"""The pooled features that one task's head reads, those of its lineage concatenated: [rows, features]."""
TargetIndices = npt.NDArray[np.int64]
"""Index of each row's label among the task's classes; -1 where it is unknown or not among them: [rows]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """N rows with the outputs of one task's head, in order of arrival.

    outputs [N, C] in the order of the task's classes, features [N, F], targets [N]; inputs hold the rows'
    columns as in ingest.rows.Rows, kinds their types. `classes` are the labels of the outputs, by default 0
    to C - 1; `window_number` is that of the window, None for a reference.
    """

    outputs: Outputs
    features: HeadFeatures
    inputs: Mapping[str, Column]
    kinds: Mapping[str, InputType]
    targets: TargetIndices
    classes: tuple[Label, ...] = ()
    window_number: int | None = None

    def __len__(self) -> int:
        return len(self.outputs)

    def label_at(self, index: int) -> Label:
        """The label of the output at this index."""
        return self.classes[index] if self.classes else index


def prediction_errors(sample: Sample) -> npt.NDArray[np.bool_]:
    """Whether the prediction is wrong, for each labelled row in order of arrival: [n]."""
    labelled = sample.targets >= 0
    return np.asarray(sample.outputs[labelled].argmax(1) != sample.targets[labelled])


def encode_labels(labels: Column, classes: Sequence[Label]) -> TargetIndices:
    """Labels object [N] -> their indices among the classes, -1 for None and for others.

    >>> encode_labels(np.array([7, None, 5, 6], object), (5, 7)).tolist()
    [1, -1, 0, -1]
    """
    indices = {label: index for index, label in enumerate(classes)}
    return np.array([indices.get(label, -1) for label in labels], np.int64)
