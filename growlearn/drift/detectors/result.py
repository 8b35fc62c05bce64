"""The interface of a detector, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.sample import HeadFeatures, Outputs, Sample


class Inconclusive(GrowLearnError):
    """The samples cannot be compared; the message is the reason."""


@dataclass(frozen=True, kw_only=True)
class DetectorResult:
    """One test; `name` is what was tested: an output, a column, or all at once.

    `threshold` is already corrected for multiple tests: drift where `p_value` is below it. `effect` is the
    size of the change, in the detector's own unit, which does not grow with the number of rows.
    """

    name: str
    statistic: float
    p_value: float
    threshold: float
    effect: float

    @property
    def rejected(self) -> bool:
        """Whether the test rejects that window and reference have one distribution."""
        return self.p_value < self.threshold


class Detector(Protocol):
    """Compares a window with a reference sample of one task."""

    def __call__(self, reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
        """Results of the reference's rows against the query's.

        Where both come from one distribution, any result is rejected with probability alpha at most, except
        for detectors documented to have no error rate. Raises Inconclusive where what it compares is not
        finite, missing, or constant.
        """
        ...


def check_rows(reference: Sample, query: Sample, min_rows: int = 1) -> None:
    """Raise Inconclusive unless both sides have `min_rows` rows."""
    num_rows = min(len(reference), len(query))
    if num_rows == 0:
        raise Inconclusive("there are no rows to compare")
    if num_rows < min_rows:
        raise Inconclusive(
            f"there are {len(reference)} rows against {len(query)}; at least {min_rows} are needed"
        )


def check_outputs(reference: Sample, query: Sample) -> None:
    """Raise Inconclusive unless the outputs can be compared."""
    check_rows(reference, query)
    _check_finite("outputs", reference.outputs, query.outputs)
    if (reference.outputs == reference.outputs[0]).all():
        raise Inconclusive(f"the model gives all {len(reference)} reference rows the same outputs")


def check_features(reference: Sample, query: Sample, min_rows: int) -> None:
    """Raise Inconclusive unless both sides have `min_rows` rows with comparable features."""
    check_rows(reference, query, min_rows)
    _check_finite("features", reference.features, query.features)
    if (reference.features == reference.features[0]).all():
        raise Inconclusive(f"the model gives all {len(reference)} reference rows the same features")


def _check_finite(name: str, reference: Outputs | HeadFeatures, query: Outputs | HeadFeatures) -> None:
    for side, values in (("reference", reference), ("window", query)):
        num_not_finite = int((~np.isfinite(values)).any(axis=1).sum())
        if num_not_finite:
            raise Inconclusive(
                f"the model's {name} on {num_not_finite} of {len(values)} {side} rows are not finite"
            )
