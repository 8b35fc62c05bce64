"""Labels joined to windows by id, and those whose rows have not arrived, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from growlearn.adapters.memory.state import StreamState
from growlearn.domain.delayed_labels import LabelJoinRecord, LabelJoinResult
from growlearn.domain.errors import ConcurrentUpdate


def apply_label_join(state: StreamState, label_join: LabelJoinResult, source: str, at: datetime) -> None:
    """Write a label join; raises ConcurrentUpdate where rows or labels have changed since it was computed."""
    name = state.stream.name
    last = max((window.number for window in state.windows.values()), default=0)
    if (last, tuple(state.pending_labels)) != (label_join.last_window, label_join.pending_before):
        raise ConcurrentUpdate(
            f"rows or labels of stream {name!r} were ingested by another process meanwhile"
        )
    for change in label_join.label_updates:
        old = state.windows.get(change.window)
        if old is None or old.snapshot != change.before:
            raise ConcurrentUpdate(
                f"window {change.window} of stream {name!r} was written by another process meanwhile"
            )
        state.windows[old.id] = replace(old, snapshot=change.after, labelled=change.labelled)
        state.label_joins.append(LabelJoinRecord(window=old.id, source=source, labels=change.labels, at=at))
    state.pending_labels = list(label_join.pending)
