"""Two-sample Kolmogorov-Smirnov tests of the model's softmax outputs, one a class.

Source: Rabanser, Guennemann, Lipton, "Failing Loudly" (NeurIPS 2019), black-box shift detection
with softmax outputs (BBSDs), univariate tests and Bonferroni's correction.
"""

from __future__ import annotations

from growlearn.drift.detectors.finding import Finding, check_outputs
from growlearn.drift.detectors.kolmogorov import kolmogorov_smirnov
from growlearn.drift.sample import Sample


def output_ks(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """Compare each of C outputs: D = sup_x |F_ref(x) - F_query(x)|, drift where p < alpha / C.

    outputs [N_ref, C] against [N, C]; one finding a class, in order. With C = 2 the outputs mirror
    each other and both tests say the same: the correction is then twice too strict, never too lax.
    The p-value is the asymptotic one, whose level is right from a few dozen rows on and which is
    conservative where outputs are tied, as saturated ones are. The effect is D, a share of the rows
    from 0 to 1. Raises CannotJudge where outputs are not finite or those of the reference all alike.
    """
    check_outputs(reference, query)
    distances, p_values = kolmogorov_smirnov(reference.outputs, query.outputs)
    return tuple(
        Finding(
            name=f"output of class {reference.class_at(place)}",
            statistic=distance,
            p_value=p_value,
            threshold=alpha / len(distances),
            effect=distance,
        )
        for place, (distance, p_value) in enumerate(zip(distances.tolist(), p_values.tolist(), strict=True))
    )
