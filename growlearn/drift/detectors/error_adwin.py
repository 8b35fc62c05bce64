"""ADWIN on the error stream: the means of two parts of an adaptive window differ more than by chance.

Source: Bifet and Gavalda, "Learning from Time-Changing Data with Adaptive Windowing" (SDM 2007), in river's
implementation with its defaults.
"""

from __future__ import annotations

from river.drift import ADWIN

from growlearn.drift.detectors.errors import run_on_error_stream
from growlearn.drift.detectors.result import DetectorResult
from growlearn.drift.sample import Sample


def error_adwin(reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
    """Whether river's ADWIN (delta 0.002) detects drift in the window's errors after the reference's.

    It does not use alpha and has no stated error rate over a stream: on stationary normal data no stream of
    5,000 samples alarmed. For the result, and when Inconclusive is raised, see `errors.run_on_error_stream`.
    """
    adwin = ADWIN()

    def update(error: int) -> bool:
        adwin.update(error)
        return bool(adwin.drift_detected)

    return run_on_error_stream(reference, query, alpha, update)
