"""Two-sample Kolmogorov-Smirnov tests of the model's softmax outputs, one a class.

Source: Rabanser, Guennemann, Lipton, "Failing Loudly" (NeurIPS 2019), black-box shift detection
with softmax outputs (BBSDs), univariate tests and Bonferroni's correction.
"""

from __future__ import annotations

from scipy.stats import ks_2samp

from growlearn.drift.detectors.result import DetectorResult, check_outputs
from growlearn.drift.sample import Sample


def output_ks(reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
    """Compare each of C outputs: D = sup_x |F_ref(x) - F_query(x)|, drift where p < alpha / C.

    outputs [N_ref, C] against [N, C]; one result a class, in order. With C = 2 the outputs mirror each other
    and both tests agree: the correction is then twice too strict, never too lax. The p-value is asymptotic,
    accurate from a few dozen rows on, and conservative where outputs are tied, as saturated ones are. The
    effect is D, from 0 to 1. Raises Inconclusive where outputs are not finite or the reference outputs are
    constant.
    """
    check_outputs(reference, query)
    test = ks_2samp(reference.outputs, query.outputs, axis=0, method="asymp")  # [C] each
    return tuple(
        DetectorResult(
            name=f"output of class {reference.label_at(index)}",
            statistic=distance,
            p_value=p_value,
            threshold=alpha / len(test.statistic),
            effect=distance,
        )
        for index, (distance, p_value) in enumerate(
            zip(test.statistic.tolist(), test.pvalue.tolist(), strict=True)
        )
    )
