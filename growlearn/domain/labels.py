"""Labels that come later than their rows, or sooner, and are joined to them by key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class EarlyLabels:
    """Labels of one file whose rows have not come yet; `content` is the sha256 of them as Parquet."""

    source: str
    content: str
    labels: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Relabelled:
    """Labels joined to one window: its snapshot before and after, how many joined and how many it has now."""

    window: str
    before: str
    after: str
    labels: int
    labelled: int


@dataclass(frozen=True, kw_only=True)
class LabelJoin:
    """What is remembered of labels that were joined to a window: how many, from which file, when."""

    window: str
    source: str
    labels: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Joining:
    """How labels and rows found each other while one file was taken in.

    It was worked out while the newest window had the number `last_window` (0: there was none) and the
    labels without rows were `early_before`; where either stands otherwise by now, another process took
    in a file meanwhile, and nothing is written. `early` are the labels without rows from now on.
    """

    last_window: int
    early_before: tuple[EarlyLabels, ...] = ()
    early: tuple[EarlyLabels, ...] = ()
    relabelled: tuple[Relabelled, ...] = ()
