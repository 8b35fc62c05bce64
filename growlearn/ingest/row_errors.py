"""Errors of single rows, and their summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from growlearn.domain.window import BadRow
from growlearn.ingest.rows import Column


@dataclass(frozen=True)
class RowError:
    """Why a row is rejected: the kind of error, and its detail."""

    kind: str
    detail: str = ""


RowErrors: TypeAlias = dict[int, RowError]
"""The first error of each bad row, by its index in the file from 0."""


def mark_rows(row_errors: RowErrors, rows: Iterable[int] | Column, row_error: RowError) -> None:
    """Set the error of these rows unless they have one; `rows` are row numbers or a mask of all rows."""
    row_numbers = np.flatnonzero(rows) if isinstance(rows, np.ndarray) and rows.dtype == bool else rows
    for row in row_numbers:
        row_errors.setdefault(int(row), row_error)


def to_bad_rows(row_errors: Mapping[int, RowError], window: str | None = None) -> tuple[BadRow, ...]:
    """Row errors as records, in the order of the file."""
    return tuple(
        BadRow(row=row, reason=row_errors[row].kind + row_errors[row].detail, window=window)
        for row in sorted(row_errors)
    )


def summarize_errors(row_errors: Iterable[RowError]) -> str:
    """How many rows are rejected and why, the most frequent reason first.

    >>> corrupt = RowError("image is corrupt", " (cut short)")
    >>> summarize_errors([RowError("x is NaN"), corrupt, RowError("x is NaN")])
    '3 rows rejected: 2 x is NaN, 1 image is corrupt'
    """
    kinds = Counter(row_error.kind for row_error in row_errors)
    total = kinds.total()
    reasons = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{total} row{'' if total == 1 else 's'} rejected: {reasons}"
