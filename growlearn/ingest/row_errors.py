"""Errors of single rows, and their summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from growlearn.domain.errors import InvalidFile
from growlearn.domain.printable import MAX_LISTED_NAMES
from growlearn.domain.window import BadRow
from growlearn.ingest.rows import Column


@dataclass(frozen=True)
class RowError:
    """Why a row is rejected: the kind of error, and its detail."""

    kind: str
    detail: str = ""


RowErrors: TypeAlias = dict[int, RowError]
"""The first error of each bad row, by its index in the file from 0."""


MAX_LISTED_ROWS = 10_000
"""Rejected rows of a file that are recorded one by one; all are counted."""


def refuse_if_all(is_bad: Column, kind: str) -> None:
    """Raise InvalidFile where every row of a long column is bad: it is the file that is wrong.

    `is_bad` is a mask of all rows, bool [N].
    """
    if len(is_bad) > MAX_LISTED_ROWS and is_bad.all():
        raise InvalidFile(f"no usable row: in all {len(is_bad):,} {kind}")


def mark_rows(row_errors: RowErrors, rows: Iterable[int] | Column, row_error: RowError) -> None:
    """Set the error of these rows unless they have one; `rows` are row numbers or a mask of all rows.

    Raises InvalidFile where a long column has no other row.
    """
    if isinstance(rows, np.ndarray) and rows.dtype == bool:
        refuse_if_all(rows, row_error.kind)
    row_numbers = np.flatnonzero(rows) if isinstance(rows, np.ndarray) and rows.dtype == bool else rows
    for row in row_numbers:
        row_errors.setdefault(int(row), row_error)


def to_bad_rows(row_errors: Mapping[int, RowError], window: str | None = None) -> tuple[BadRow, ...]:
    """Row errors as records, in the order of the file; of very many the first ones."""
    return tuple(
        BadRow(row=row, reason=row_errors[row].kind + row_errors[row].detail, window=window)
        for row in sorted(row_errors)[:MAX_LISTED_ROWS]
    )


def summarize_errors(row_errors: Iterable[RowError]) -> str:
    """How many rows are rejected and why, the most frequent reason first.

    >>> corrupt = RowError("image is corrupt", " (cut short)")
    >>> summarize_errors([RowError("x is NaN"), corrupt, RowError("x is NaN")])
    '3 rows rejected: 2 x is NaN, 1 image is corrupt'
    """
    kinds = Counter(row_error.kind for row_error in row_errors)
    total = kinds.total()
    frequent = kinds.most_common(MAX_LISTED_NAMES)
    others = total - sum(count for _, count in frequent)
    reasons = ", ".join(f"{count} {kind}" for kind, count in frequent) + (
        f", {others} other" if others else ""
    )
    return f"{total} row{'' if total == 1 else 's'} rejected: {reasons}"


def join_notes(*notes: str | None) -> str | None:
    """The notes joined into one, or None where there are none."""
    return "; ".join(note for note in notes if note) or None
