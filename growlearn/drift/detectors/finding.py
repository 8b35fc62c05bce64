"""What a detector is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from growlearn.domain.errors import GrowLearnError

Outputs = npt.NDArray[np.floating]
"""Softmax outputs of one task's head: [rows, classes]."""


class CannotJudge(GrowLearnError):
    """The outputs say nothing about drift; the message is the reason."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One test of one output; `column` is its place among the outputs, None for a test of all at once.

    `threshold` is already corrected for the tests made together: drift where p_value is below it.
    """

    column: int | None
    statistic: float
    p_value: float
    threshold: float

    @property
    def rejected(self) -> bool:
        """Whether the window is told apart from the reference."""
        return self.p_value < self.threshold


class Detector(Protocol):
    """Compares a window's outputs with those of a reference sample."""

    def __call__(self, reference: Outputs, query: Outputs, alpha: float) -> tuple[Finding, ...]:
        """Findings of reference [N_ref, C] against query [N, C].

        Where both come from one distribution, any finding is rejected with probability alpha at
        most. Raises CannotJudge where the outputs are not finite or the reference is constant.
        """
        ...


def check_outputs(reference: Outputs, query: Outputs) -> None:
    """Raise CannotJudge unless the outputs can be compared."""
    if len(reference) == 0 or len(query) == 0:
        raise CannotJudge("there are no rows to compare")
    for side, outputs in (("reference", reference), ("window", query)):
        broken = int((~np.isfinite(outputs)).any(axis=1).sum())
        if broken:
            raise CannotJudge(f"the model's outputs on {broken} of {len(outputs)} {side} rows are not finite")
    if (reference == reference[0]).all():
        raise CannotJudge(f"the model gives all {len(reference)} reference rows the same outputs")
