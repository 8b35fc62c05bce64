"""What a detector sees of one side: rows as they came, as the model reads them, and as it answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from growlearn.domain.schema import InputType, Label
from growlearn.ingest.rows import Column

Outputs = npt.NDArray[np.floating]
"""Softmax outputs of one task's head: [rows, classes]."""
Features = npt.NDArray[np.floating]
"""The pooled features that one task's head reads, its lineage's side by side: [rows, features]."""
Targets = npt.NDArray[np.int64]
"""Place of each row's label among the task's classes; -1 where it is unknown or not among them: [rows]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """N rows before one task's head, in the order in which they came.

    outputs [N, C] in the order of the task's classes, features [N, F], targets [N]; inputs hold the rows'
    columns as ingest.rows.Rows has them, kinds their types. `classes` are the labels that outputs stand for,
    counted from 0 where nothing is said; `number` is that of the window, None for a reference.
    """

    outputs: Outputs
    features: Features
    inputs: Mapping[str, Column]
    kinds: Mapping[str, InputType]
    targets: Targets
    classes: tuple[Label, ...] = ()
    number: int | None = None

    def __len__(self) -> int:
        return len(self.outputs)

    def class_at(self, place: int) -> Label:
        """The label whose output stands at this place."""
        return self.classes[place] if self.classes else place


def errors_of(sample: Sample) -> npt.NDArray[np.bool_]:
    """Whether the answer is wrong, for each labelled row in the order in which they came: [n]."""
    labelled = sample.targets >= 0
    return np.asarray(sample.outputs[labelled].argmax(1) != sample.targets[labelled])


def targets_of(labels: Column, classes: Sequence[Label]) -> Targets:
    """Labels object [N] -> their places among the classes, -1 for None and for others.

    >>> targets_of(np.array([7, None, 5, 6], object), (5, 7)).tolist()
    [1, -1, 0, -1]
    """
    places = {label: place for place, label in enumerate(classes)}
    return np.array([places.get(label, -1) for label in labels], np.int64)
