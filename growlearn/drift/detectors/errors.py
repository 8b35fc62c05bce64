"""Run drift detectors on the stream of a head's errors, the reference's first, then the window's.

Such detectors have no stated error rate and give no p-value; their result has a flag instead.
"""

from __future__ import annotations

from collections.abc import Callable

from growlearn.drift.detectors.result import DetectorResult, Inconclusive, check_outputs
from growlearn.drift.sample import Sample, prediction_errors


def run_on_error_stream(
    reference: Sample, query: Sample, alpha: float, update: Callable[[int], bool], recall: int | None = None
) -> tuple[DetectorResult, ...]:
    """One result on the error stream; `update` takes the next error and returns whether it detects drift.

    Alarms on the reference's errors are not counted. p is 0 where any of the window's errors raised an alarm
    and 1 where none did: a flag, not a probability, so alpha does not affect the detector. The statistic is
    the number of alarms; the effect is the window's error rate less the reference's, from -1 to 1, so below 0
    where the model is better. `recall` is the number of reference errors that the detector can remember; None
    for all. Raises Inconclusive where outputs are not finite or the reference outputs are constant, and where
    either side has no labelled row.
    """
    check_outputs(reference, query)
    reference_errors, query_errors = prediction_errors(reference), prediction_errors(query)
    for side, errors in (("reference", reference_errors), ("window", query_errors)):
        if len(errors) == 0:
            raise Inconclusive(f"no row of the {side} has a label among the task's classes")
    for error in reference_errors[-(recall or len(reference_errors)) :].tolist():
        update(int(error))
    alarms = sum([update(int(error)) for error in query_errors.tolist()])
    result = DetectorResult(
        name="errors",
        statistic=float(alarms),
        p_value=0.0 if alarms else 1.0,
        threshold=alpha,
        effect=float(query_errors.mean() - reference_errors.mean()),
    )
    return (result,)
