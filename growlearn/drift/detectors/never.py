"""The baseline that never alarms: what a detector must beat where something drifted."""

from __future__ import annotations

from growlearn.drift.detectors.finding import Finding, check_rows
from growlearn.drift.sample import Sample


def never(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """No alarm, whatever the rows are: p = 1 and effect 0. Raises CannotJudge where there are no rows."""
    check_rows(reference, query)
    return (Finding(name="nothing", statistic=0.0, p_value=1.0, threshold=alpha, effect=0.0),)
