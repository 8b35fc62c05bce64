"""Whether another mix of the same labels explains all that moved.

Where only the mix moved, rows of one class look as they did, so that a reference which is given the window's
mix of classes cannot be told apart from it (label shift; Lipton, Wang, Smola, ICML 2018).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from growlearn.drift.sample import Sample

Shares = npt.NDArray[np.float64]
"""A share for each class of a task, in order; they sum to 1."""


def observed_mix(window: Sample, least: int) -> Shares | None:
    """The shares of a window's known labels; None where fewer than `least` are known."""
    known = window.targets[window.targets >= 0]
    if len(known) < max(1, least):
        return None
    return np.bincount(known, minlength=window.outputs.shape[1]) / len(known)


def with_mix(reference: Sample, shares: Shares) -> Sample:
    """The most rows of a labelled reference that have this mix of classes, drawn without replacement.

    A class that has no row in the reference cannot be given one: the sample is empty then. The draw is the
    same every time.
    """
    have = np.bincount(reference.targets[reference.targets >= 0], minlength=len(shares))
    wanted = shares > 0
    most = float((have[wanted] / shares[wanted]).min())  # rows in all that the scarcest class allows
    counts = np.floor(shares * most + 1e-9).astype(int)
    order = np.random.default_rng(0).permutation(len(reference.targets))
    chosen = [order[reference.targets[order] == place][:count] for place, count in enumerate(counts)]
    return taken(reference, np.sort(np.concatenate(chosen)))


def taken(sample: Sample, which: npt.NDArray[np.int64]) -> Sample:
    """The rows of a sample at these indices."""
    return replace(
        sample,
        outputs=sample.outputs[which],
        features=sample.features[which],
        inputs={name: column[which] for name, column in sample.inputs.items()},
        targets=sample.targets[which],
    )
