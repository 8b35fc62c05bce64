"""What a detector is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.sample import Features, Outputs, Sample


class CannotJudge(GrowLearnError):
    """The rows say nothing about drift; the message is the reason."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One test; `name` says of what: an output, a column, or all at once.

    `threshold` is already corrected for the tests made together: drift where p_value is below it. `effect`
    is how large the change is, in units of the detector's own that do not grow with the number of rows.
    """

    name: str
    statistic: float
    p_value: float
    threshold: float
    effect: float

    @property
    def rejected(self) -> bool:
        """Whether the window is told apart from the reference."""
        return self.p_value < self.threshold


class Detector(Protocol):
    """Compares a window with a reference sample of one task."""

    def __call__(self, reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
        """Findings of the reference's rows against the query's.

        Where both come from one distribution, any finding is rejected with probability alpha at most, but
        for detectors that say they have no error rate. Raises CannotJudge where what it compares is not
        finite, is missing, or cannot tell rows apart.
        """
        ...


def check_rows(reference: Sample, query: Sample, least: int = 1) -> None:
    """Raise CannotJudge unless either side has so many rows."""
    fewest = min(len(reference), len(query))
    if fewest == 0:
        raise CannotJudge("there are no rows to compare")
    if fewest < least:
        raise CannotJudge(
            f"there are {len(reference)} rows against {len(query)}; at least {least} are needed"
        )


def check_outputs(reference: Sample, query: Sample) -> None:
    """Raise CannotJudge unless the outputs can be compared."""
    check_rows(reference, query)
    _check_finite("outputs", reference.outputs, query.outputs)
    if (reference.outputs == reference.outputs[0]).all():
        raise CannotJudge(f"the model gives all {len(reference)} reference rows the same outputs")


def check_features(reference: Sample, query: Sample, least: int) -> None:
    """Raise CannotJudge unless there are so many rows on either side and their features can be compared."""
    check_rows(reference, query, least)
    _check_finite("features", reference.features, query.features)
    if (reference.features == reference.features[0]).all():
        raise CannotJudge(f"the model gives all {len(reference)} reference rows the same features")


def _check_finite(what: str, reference: Outputs | Features, query: Outputs | Features) -> None:
    for side, figures in (("reference", reference), ("window", query)):
        broken = int((~np.isfinite(figures)).any(axis=1).sum())
        if broken:
            raise CannotJudge(f"the model's {what} on {broken} of {len(figures)} {side} rows are not finite")
