"""Two-sample Kolmogorov-Smirnov tests of many columns at once.

The same figures as scipy.stats.ks_2samp(method="asymp") gives column by column, in a fraction of the time:
both sides are sorted once, only the query's distinct values are looked up, and only those on the
reference's side; p-values are worked out together, one for each distinct distance.

Source: Simard and L'Ecuyer, "Computing the Two-Sided Kolmogorov-Smirnov Distribution" (J. Stat. Softw. 2011),
for kstwo, taken at n = the effective number of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import kstwo

Values = npt.NDArray[Any]
"""Numbers, none of them NaN: [rows, columns]."""
Floats = npt.NDArray[np.float64]


def kolmogorov_smirnov(reference: Values, query: Values) -> tuple[Floats, Floats]:
    """D = sup_x |F_ref(x) - F_query(x)| [S] and its two-sided p-value [S] of [N_ref, S] against [N, S].

    p is that of the one-sample statistic at n = N_ref N / (N_ref + N), rounded: right from a few dozen rows
    on, and conservative where values are tied.
    """
    known, seen = (np.sort(side.T, axis=1) for side in (reference, query))  # [S, N_ref], [S, N]
    distances = np.array([_distance(*pair) for pair in zip(known, seen, strict=True)])
    rows = np.round(len(reference) * len(query) / (len(reference) + len(query)))
    distinct, places = np.unique(distances, return_inverse=True)  # D is a fraction of few denominators
    return distances, np.clip(kstwo.sf(distinct, rows), 0.0, 1.0)[places]


def _distance(known: Values, seen: Values) -> float:
    """D of two ascending samples [N_ref] and [N].

    Between two of the query's values only F_ref grows, so the largest gaps lie at those values or just
    before. A value that is tied is looked up once.
    """
    last = np.append(np.flatnonzero(seen[1:] != seen[:-1]), len(seen) - 1)  # the last row of each value
    upto = np.searchsorted(known, seen[last], "right") / len(known)
    below = np.searchsorted(known, seen[last], "left") / len(known)
    passed = (last + 1) / len(seen)
    before = np.append(0.0, passed[:-1])
    return float(max((passed - upto).max(), (below - before).max()))
