"""The baseline that alarms by the calendar: what a detector must beat to be worth looking at the data."""

from __future__ import annotations

from growlearn.drift.detectors.finding import CannotJudge, Finding, check_rows
from growlearn.drift.sample import Sample

PERIOD_WINDOWS = 10


def periodic(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """An alarm in every tenth window of a stream, by its number, whatever its rows are.

    It tests nothing and has no error rate: p is 0 for an alarm and 1 for none, a flag and no probability.
    The statistic is the window's place in its ten, from 0; the effect is 1 for an alarm: none is measured.
    Raises CannotJudge where there are no rows or the window has no number.
    """
    check_rows(reference, query)
    if query.number is None:
        raise CannotJudge("the window has no number, by which alone periodic alarms")
    place = query.number % PERIOD_WINDOWS
    due = place == 0
    return (
        Finding(
            name="calendar",
            statistic=float(place),
            p_value=0.0 if due else 1.0,
            threshold=alpha,
            effect=float(due),
        ),
    )
