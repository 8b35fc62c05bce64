"""What a window's accuracy was estimated to be, and what labels said since, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from growlearn.adapters.memory.state import StreamState
from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.window import parse_window_number


def sort_estimates(state: StreamState) -> Mapping[str, AccuracyEstimate]:
    """By window id, in the order of the windows."""
    estimates = state.accuracy_estimates
    return {window: estimates[window] for window in sorted(estimates, key=parse_window_number)}


def find_outdated_estimates(state: StreamState, max_rows: int) -> Sequence[AccuracyEstimate]:
    """Those compared with fewer labels than their window has now, and with less than `max_rows`."""
    return tuple(
        estimate
        for estimate in sort_estimates(state).values()
        if estimate.known_rows < min(state.windows[estimate.window].labelled or 0, max_rows)
    )
