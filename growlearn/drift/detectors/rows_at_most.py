"""A few rows of many, the same ones however the rows are ordered."""

from __future__ import annotations

import numpy as np

from growlearn.drift.sample import Features


def rows_at_most(features: Features, most: int, seed: int) -> Features:
    """At most so many rows of features [N, F], by a fixed seed; in an order that only values decide."""
    values = np.ascontiguousarray(features)
    as_bytes = values.view(np.dtype((np.void, values.shape[1] * values.itemsize))).ravel()  # [N]
    in_order = np.argsort(as_bytes, kind="stable")
    drawn = np.random.default_rng(seed).permutation(len(values))[:most]
    return values[in_order[drawn]]
