"""What the decision report says of the canaries of a version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from growlearn.domain.canary import Canary
from growlearn.registry.score_text import format_percent


def describe_canaries(canaries: Sequence[Canary], version: int) -> Iterator[str]:
    """When a version answered beside a champion, how it did, and why that ended."""
    for canary in canaries:
        if canary.version == version:
            yield f"{_format_time(canary.started_at)}: {canary.describe()}, by {canary.started_by}."
            yield from _describe_counts(canary)
            if canary.stopped_at is not None:
                stopped = f"{_format_time(canary.stopped_at)}: stopped by {canary.stopped_by}"
                yield f"{stopped}: {canary.stop_reason}."


def _describe_counts(canary: Canary) -> Iterator[str]:
    counts = canary.counts
    if counts.agreement is not None:
        agreement = format_percent(counts.agreement)
        yield f"It answered {counts.answered} rows; of {counts.compared} compared, {agreement} agreed."
    if counts.labelled:
        own, champion = (
            format_percent(correct / counts.labelled)
            for correct in (counts.version_correct, counts.champion_correct)
        )
        yield f"Of {counts.labelled} labelled rows it had {own} right, champion {canary.champion} {champion}."


def _format_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
