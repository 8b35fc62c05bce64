"""Labels that arrive later than their rows, or earlier, and are joined to them by row id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class PendingLabels:
    """Labels of one file whose rows have not arrived yet; `content` is the sha256 of their Parquet file."""

    source: str
    content: str
    labels: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class LabelUpdate:
    """Labels joined to one window: its snapshot before and after, how many joined, how many it has now."""

    window: str
    before: str
    after: str
    labels: int
    labelled: int


@dataclass(frozen=True, kw_only=True)
class LabelJoinRecord:
    """The record of labels joined to a window: how many, from which file, when."""

    window: str
    source: str
    labels: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class LabelJoinResult:
    """How the labels and rows of one ingested file were joined.

    The join was computed while the newest window had the number `last_window` (0: there was none) and the
    labels without rows were `pending_before`. Where either has changed since, another process ingested a
    file, and the store writes nothing. `pending` are the labels without rows after the join.
    """

    last_window: int
    pending_before: tuple[PendingLabels, ...] = ()
    pending: tuple[PendingLabels, ...] = ()
    label_updates: tuple[LabelUpdate, ...] = ()
