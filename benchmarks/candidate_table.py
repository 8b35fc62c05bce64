"""What each growth of a stream chose among, as lines of a table."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.model_selection import Candidate, ModelSelection
from growlearn.ports import Store

HEADER = [
    "| growth | kept | candidate | start | a, s | accuracy | log loss | seconds |",
    "| --- " * 8 + "|",
]


def stream_selections(store: Store, stream: str) -> list[tuple[str, ModelSelection]]:
    """The model selection of every window that had one, with what became of the window."""
    found = []
    for window in store.windows(stream):
        selection = store.window_record(stream, window.id).model_selection
        if selection is not None:
            found.append((f"{window.id} {window.task or ''} {window.state}", selection))
    return found


def candidate_lines(growth: str, selection: ModelSelection) -> list[str]:
    """One line a candidate, scored on the hold-out rows of the growth."""
    return [_line(growth, item, item.kind is selection.selected) for item in selection.candidates]


def candidate_table(growths: Sequence[tuple[str, ModelSelection]]) -> list[str]:
    """The table of several growths."""
    return [*HEADER, *(line for growth, selection in growths for line in candidate_lines(growth, selection))]


def _line(growth: str, item: Candidate, kept: bool) -> str:
    combination = item.combination
    weights = "" if combination is None else f"{combination.frozen_weight:g}, {combination.step_size:g}"
    loss = "" if item.log_loss is None else f"{item.log_loss:.4f}"
    return (
        f"| {growth} | {'yes' if kept else ''} | {item.kind} | {item.init or ''} | {weights} "
        f"| {item.task_score.accuracy:.2%} | {loss} | {item.seconds:.0f} |"
    )
