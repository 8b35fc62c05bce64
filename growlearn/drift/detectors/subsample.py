"""A random subsample of rows that does not depend on their order."""

from __future__ import annotations

import numpy as np

from growlearn.drift.sample import HeadFeatures


def subsample_features(features: HeadFeatures, max_rows: int, seed: int) -> HeadFeatures:
    """At most `max_rows` rows of features [N, F], drawn with a fixed seed, in an order by value alone."""
    values = np.ascontiguousarray(features)
    as_bytes = values.view(np.dtype((np.void, values.shape[1] * values.itemsize))).ravel()  # [N]
    in_order = np.argsort(as_bytes, kind="stable")
    drawn = np.random.default_rng(seed).permutation(len(values))[:max_rows]
    return values[in_order[drawn]]
