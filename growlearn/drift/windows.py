"""The table of windows: which rows are held against the references when one window is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.window import Verdict, Window
from growlearn.ingest.rows import Rows, concat

Load = Callable[[Window], Rows]
View = Callable[[Rows, Sequence[Window], Load, DriftSpec], Rows]
"""From the window's rows, the windows before it and what loads their rows, to the rows that are compared."""

_LIKE_BEFORE = (Verdict.STABLE, Verdict.WARN)


def latest(rows: Rows, _earlier: Sequence[Window], _load: Load, _spec: DriftSpec) -> Rows:
    """The window's own rows."""
    return rows


def sliding(rows: Rows, earlier: Sequence[Window], load: Load, spec: DriftSpec) -> Rows:
    """Its rows and those of the windows right before it that were stable: weak drift shows in more rows.

    `spec.windows` windows at most, back to the last one that was not stable or has no rows.
    """
    joined = [rows]
    for window in reversed(earlier):
        if len(joined) == spec.windows or window.verdict not in _LIKE_BEFORE or window.snapshot is None:
            break
        joined.append(load(window))
    return concat(joined)


WINDOWS: Mapping[str, View] = MappingProxyType({"latest": latest, "sliding": sliding})
