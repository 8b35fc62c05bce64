"""What is wrong with single rows, and how a person is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from growlearn.domain.window import BadRow
from growlearn.ingest.rows import Column


@dataclass(frozen=True)
class Flaw:
    """Why a row is kept out: what kind of fault, and what was found."""

    kind: str
    detail: str = ""


Flaws: TypeAlias = dict[int, Flaw]
"""The first fault found of each bad row, by its place in the file from 0."""


def flag(flaws: Flaws, rows: Iterable[int] | Column, flaw: Flaw) -> None:
    """Give these rows a flaw unless they have one already; a mask of all rows will do too."""
    places = np.flatnonzero(rows) if isinstance(rows, np.ndarray) and rows.dtype == bool else rows
    for row in places:
        flaws.setdefault(int(row), flaw)


def bad_rows(flaws: Mapping[int, Flaw], window: str | None = None) -> tuple[BadRow, ...]:
    """Flaws as they are recorded, in the order of the file."""
    return tuple(
        BadRow(row=row, reason=flaws[row].kind + flaws[row].detail, window=window) for row in sorted(flaws)
    )


def summary(flaws: Iterable[Flaw]) -> str:
    """How many rows are kept out and why, the commonest reason first.

    >>> summary([Flaw("x is NaN"), Flaw("image is corrupt", " (cut short)"), Flaw("x is NaN")])
    '3 rows kept out: 2 x is NaN, 1 image is corrupt'
    """
    kinds = Counter(flaw.kind for flaw in flaws)
    total = kinds.total()
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{total} row{'' if total == 1 else 's'} kept out: {told}"
