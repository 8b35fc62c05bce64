"""Rows that an update of the model answers otherwise than before: its users notice those first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Flips:
    """Of `rows`, those that were right before and are wrong now (`negative`), and the other way round."""

    negative: int
    positive: int
    rows: int

    @property
    def negative_rate(self) -> float:
        """Share of all rows, 0 to 1: the negative flip rate (Yan et al. 2021)."""
        return self.negative / self.rows

    @property
    def positive_rate(self) -> float:
        """Share of all rows, 0 to 1; the accuracy rose by this less the negative flip rate."""
        return self.positive / self.rows


def flips(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> Flips:
    """Count them from whether each row was answered right, bool [N] each; ValueError for other rows.

    >>> flips(np.array([True, True, False]), np.array([True, False, True]))
    Flips(negative=1, positive=1, rows=3)
    """
    if before.shape != after.shape:
        raise ValueError(f"{len(before)} answers before and {len(after)} after are not of the same rows")
    return Flips(
        negative=int((before & ~after).sum()), positive=int((~before & after).sum()), rows=len(after)
    )
