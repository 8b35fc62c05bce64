"""Whether two samples have the same category frequencies, and by how much they differ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2_contingency, fisher_exact

_MIN_EXPECTED_COUNT = 5  # Cochran's rule: below it the chi-square approximation is unreliable

CategoryCounts = npt.NDArray[np.int64]


def chi_square_homogeneity(reference: CategoryCounts, query: CategoryCounts) -> tuple[float, float]:
    """Pearson's chi-square and p-value of counts [K] against counts [K]; (0, 1) where one category is left.

    Rare categories, with an expected count below 5 on either side, are pooled first, at worst all but the
    most frequent; the choice depends only on the totals of both sides, so it does not bias the test. Where
    two categories are left the p-value is that of Fisher's exact test.
    """
    table = _pool_rare_categories(np.stack([reference, query]))  # [2, K']
    if table.shape[1] < 2:
        return 0.0, 1.0
    test = chi2_contingency(table, correction=False)
    p_value = fisher_exact(table).pvalue if table.shape[1] == 2 else test.pvalue
    return float(test.statistic), float(p_value)


def population_stability_index(reference: CategoryCounts, query: CategoryCounts) -> float:
    """PSI = sum_k (q_k - p_k) ln(q_k / p_k), counts raised by one half so that no frequency is 0.

    By convention below 0.1 is small and above 0.25 large (Siddiqi, "Credit Risk Scorecards", 2006). By chance
    alone it is about (K - 1)(1/N_ref + 1/N), so it is unreliable below some hundred rows.
    """
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (reference, query))
    return float(((q - p) * np.log(q / p)).sum())


def _pool_rare_categories(table: CategoryCounts) -> CategoryCounts:
    table = table[:, np.argsort(table.sum(0), kind="stable")[::-1]]  # most frequent first
    smaller_side = table.sum(1).min() / max(table.sum(), 1)
    common = int((table.sum(0) * smaller_side >= _MIN_EXPECTED_COUNT).sum())
    if table[:, common:].sum() * smaller_side < _MIN_EXPECTED_COUNT:
        common -= 1  # too rare even together: pooled with the rarest of the others
    common = max(common, 1)  # the most frequent against all others, at worst
    rest = table[:, common:].sum(1, keepdims=True)  # [2, 1]
    pooled = np.concatenate([table[:, :common], rest], axis=1)
    return pooled[:, pooled.sum(0) > 0]
