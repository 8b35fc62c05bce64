"""Canaries as plain data with the documented keys."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from growlearn.domain.canary import Canary
from growlearn.serving.canary import accuracy_evidence, latency_evidence


def canaries_view(canaries: Iterable[Canary]) -> Mapping[str, Any]:
    """Canaries in the given order: `canaries`."""
    return {"canaries": [canary_view(canary) for canary in canaries]}


def canary_view(canary: Canary) -> Mapping[str, Any]:
    """One canary; shares are null before any row was counted."""
    counts = canary.counts
    return {
        "stream": canary.stream,
        "number": canary.number,
        "version": canary.version,
        "champion": canary.champion,
        "share_percent": canary.share_percent,
        "running": canary.is_running,
        "started_at": canary.started_at.isoformat(),
        "started_by": canary.started_by,
        "stopped_at": None if canary.stopped_at is None else canary.stopped_at.isoformat(),
        "stopped_by": canary.stopped_by,
        "stop_reason": canary.stop_reason,
        "answered_rows": counts.answered,
        "compared_rows": counts.compared,
        "agreement": counts.agreement,
        "dropped_rows": counts.dropped,
        "failed_rows": counts.failed,
        "timed_pairs": counts.timed_pairs,
        "slower_pairs": counts.slower_pairs,
        "latency_p_value": _to_p_value(latency_evidence(counts)),
        "labelled_rows": counts.labelled,
        "champion_accuracy": _divide(counts.champion_correct, counts.labelled),
        "version_accuracy": _divide(counts.version_correct, counts.labelled),
        "accuracy_p_value": _to_p_value(accuracy_evidence(counts)),
        "alpha": canary.alpha,
    }


def _divide(count: int, rows: int) -> float | None:
    return count / rows if rows else None


def _to_p_value(log_evidence: float) -> float:
    """Valid at any time, however often it was looked at: the inverse of the evidence."""
    return math.exp(-max(log_evidence, 0.0))
