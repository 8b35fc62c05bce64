"""ADWIN on the error stream: means of two parts of an adaptive window, further apart than chance allows.

Source: Bifet and Gavalda, "Learning from Time-Changing Data with Adaptive Windowing" (SDM 2007), as river
has it, with its defaults.
"""

from __future__ import annotations

from river.drift import ADWIN

from growlearn.drift.detectors.errors import watch
from growlearn.drift.detectors.finding import Finding
from growlearn.drift.sample import Sample


def error_adwin(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """Whether river's ADWIN (delta 0.002) sees drift in the window's errors after the reference's.

    alpha has no part in it, and it has no stated error rate over a stream: on stationary normal data no
    stream of 5,000 samples alarmed. What the finding says, and when CannotJudge is raised: `errors.watch`.
    """
    adwin = ADWIN()

    def update(error: int) -> bool:
        adwin.update(error)
        return bool(adwin.drift_detected)

    return watch(reference, query, alpha, update)
