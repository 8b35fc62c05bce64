"""Two-sample Kolmogorov-Smirnov tests of the model's softmax outputs, one a class.

Source: Rabanser, Guennemann, Lipton, "Failing Loudly" (NeurIPS 2019), black-box shift detection
with softmax outputs (BBSDs), univariate tests and Bonferroni's correction.
"""

from __future__ import annotations

from scipy.stats import ks_2samp

from growlearn.drift.detectors.finding import Finding, Outputs, check_outputs


def output_ks(reference: Outputs, query: Outputs, alpha: float) -> tuple[Finding, ...]:
    """Compare each of C outputs: D = sup_x |F_ref(x) - F_query(x)|, drift where p < alpha / C.

    reference [N_ref, C], query [N, C]; one finding a class, in order. With C = 2 the outputs mirror
    each other and both tests say the same: the correction is then twice too strict, never too lax.
    The p-value is the asymptotic one, whose level is right from a few dozen rows on and which is
    conservative where outputs are tied, as saturated ones are. Raises CannotJudge.
    """
    check_outputs(reference, query)
    classes = reference.shape[1]
    return tuple(
        _compare(column, reference[:, column], query[:, column], alpha / classes) for column in range(classes)
    )


def _compare(column: int, reference: Outputs, query: Outputs, threshold: float) -> Finding:
    test = ks_2samp(reference, query, method="asymp")
    return Finding(
        column=column,
        statistic=float(test.statistic),
        p_value=float(test.pvalue),
        threshold=threshold,
    )
