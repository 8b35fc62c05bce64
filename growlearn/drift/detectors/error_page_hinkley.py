"""The Page-Hinkley test on the error stream: deviations from the running mean that add up too far.

Source: Page, "Continuous Inspection Schemes" (Biometrika 1954), as river has it, with its defaults.
"""

from __future__ import annotations

from river.drift import PageHinkley

from growlearn.drift.detectors.errors import watch
from growlearn.drift.detectors.finding import Finding
from growlearn.drift.sample import Sample


def error_page_hinkley(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """Whether river's Page-Hinkley (threshold 50) sees drift in the window's errors after the reference's.

    alpha has no part in it, and it has no stated error rate: on stationary normal data 27 % of streams
    alarmed within 1,000 samples and 99 % within 5,000. What the finding says, and when CannotJudge is
    raised: `errors.watch`.
    """
    page_hinkley = PageHinkley()

    def update(error: int) -> bool:
        page_hinkley.update(error)
        return bool(page_hinkley.drift_detected)

    return watch(reference, query, alpha, update)
