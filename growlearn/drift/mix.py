"""Whether another mix of the same labels explains all that moved.

Where only the mix moved, the rows of one class look as they did. A reference whose rows are given the weight
q_c / p_c of their class c, q the window's shares of the classes and p its own, then looks like the window
(label shift; Lipton, Wang, Smola, ICML 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kstwo

from growlearn.drift.sample import Sample

Floats = npt.NDArray[np.float64]
Shares = Floats
"""A share for each class of a task, in order; they sum to 1."""


@dataclass(frozen=True, kw_only=True)
class Distance:
    """The largest Kolmogorov-Smirnov distance of any output, and the smallest p-value, corrected for all."""

    largest: float
    p_value: float


def mix_of(sample: Sample, least: int = 1) -> Shares | None:
    """The shares of a sample's known labels; None where fewer than `least` are known."""
    known = sample.targets[sample.targets >= 0]
    if len(known) < max(1, least):
        return None
    return np.bincount(known, minlength=sample.outputs.shape[1]) / len(known)


def moved_labels(shares: Shares, others: Shares) -> float:
    """The share of labels that would have to change to turn one mix into the other: total variation."""
    return float(np.abs(shares - others).sum() / 2)


def distance(reference: Sample, window: Sample, shares: Shares | None = None) -> Distance | None:
    """How far a window's outputs are from the reference's, in the window's mix of labels where it is given.

    Weighted rows count as (sum w)^2 / sum w^2 of them (Kish 1965). None where
    a class that the mix asks for has no labelled row in the reference.
    """
    weights = np.ones(len(reference.outputs)) if shares is None else _weights(reference, shares)
    if weights is None:
        return None
    rows = weights.sum() ** 2 / (weights**2).sum()
    both = max(1, round(rows * len(window.outputs) / (rows + len(window.outputs))))
    outputs = range(reference.outputs.shape[1])
    found = [_largest_gap(reference.outputs[:, at], weights, window.outputs[:, at]) for at in outputs]
    p_value = min(1.0, len(found) * float(kstwo.sf(max(found), both)))
    return Distance(largest=max(found), p_value=p_value)


def _weights(reference: Sample, shares: Shares) -> Floats | None:
    """A weight for each row, 0 for those without a label."""
    known = reference.targets >= 0
    have = np.bincount(reference.targets[known], minlength=len(shares))
    if (have[shares > 0] == 0).any():
        return None
    a_row = np.divide(shares, have, out=np.zeros(len(shares)), where=have > 0)
    return np.where(known, a_row[reference.targets], 0.0)


def _largest_gap(there: npt.NDArray[np.floating], weights: Floats, here: npt.NDArray[np.floating]) -> float:
    """sup_x |F_w(x) - F(x)| of weighted rows against others."""
    order = np.argsort(there)
    below = np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])
    at = np.unique(np.concatenate([there, here]))
    weighted = below[np.searchsorted(there[order], at, "right")]
    plain = np.searchsorted(np.sort(here), at, "right") / len(here)
    return float(np.abs(weighted - plain).max())
