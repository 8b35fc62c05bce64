"""An estimate of a window's accuracy, and what labels said since, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.domain.accuracy_estimate import MIN_KNOWN_ROWS, AccuracyEstimate, EstimateRecord
from growlearn.registry.score_text import format_percent


def describe_estimate(estimate: AccuracyEstimate, record: EstimateRecord) -> Iterator[str]:
    """The estimate, its comparison with labels where there are any, and the stream's record."""
    interval = _format_range(estimate.low, estimate.high)
    yield (
        f"Version {estimate.version} was expected to answer {format_percent(estimate.accuracy)} of"
        f" {estimate.rows} rows correctly (95 % interval {interval}), by the probabilities that it gave."
    )
    if estimate.known_accuracy is None or estimate.known_low is None or estimate.known_high is None:
        return
    expected = _format_range(estimate.known_low, estimate.known_high)
    verdict = {True: "right", False: "wrong", None: f"open, with fewer than {MIN_KNOWN_ROWS} labels"}
    yield (
        f"{estimate.known_rows} of them have labels: {format_percent(estimate.known_accuracy)} were answered"
        f" correctly, and {expected} were expected of these: {verdict[estimate.is_right]}."
    )
    if record.compared:
        yield f"{record.right} of {record.compared} estimates of this stream with labels were right."


def _format_range(low: float, high: float) -> str:
    return f"{format_percent(low)} to {format_percent(high)}"
