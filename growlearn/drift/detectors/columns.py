"""Tests of a table's own columns, with false discoveries controlled.

Sources: two-sample Kolmogorov-Smirnov for numbers and Pearson's chi-square for categories; Benjamini and
Hochberg, "Controlling the False Discovery Rate" (JRSS B 1995); PSI as in Siddiqi, "Credit Risk Scorecards".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from growlearn.domain.schema import InputType
from growlearn.drift.detectors.counts import Counts, homogeneity, stability_index
from growlearn.drift.detectors.finding import CannotJudge, Finding, check_rows
from growlearn.drift.detectors.kolmogorov import kolmogorov_smirnov
from growlearn.drift.sample import Sample
from growlearn.ingest.rows import Column

_BINS = 10  # of numbers for PSI: deciles of the reference

Present = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class _Test:
    name: str
    statistic: float
    p_value: float
    effect: float


def columns(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """Compare every input column by itself: numbers by KS, categories by chi-square.

    A number that is missing or not finite is no value, and a category that is missing is none: the values
    that are there are compared, and where some are missing on either side their share is tested too, as
    "column NAME, missing". Drift where p < alpha k / m, with m tests and k the largest number for which
    so many p-values lie below it (Benjamini-Hochberg): of the columns named, a share alpha at most is named
    wrongly on average, and where nothing moved the chance to name any is alpha at most, if the columns
    are independent or rise and fall together. The effect is the column's PSI, over deciles of the reference
    for numbers. Raises CannotJudge below 2 rows a side, for columns that are no numbers or categories, and
    where no column of the reference has two values.
    """
    check_rows(reference, query, least=2)
    for name, kind in reference.kinds.items():
        if kind not in _TESTS:
            raise CannotJudge(
                f"column {name!r} is of type {kind}; columns compares numbers and categories",
                cure="use feature-mmd, classifier or output-ks",
            )
    if all(_constant(column) for column in reference.inputs.values()):
        raise CannotJudge(f"no column of the {len(reference)} reference rows has two values to compare")
    tests = [
        test
        for name, kind in reference.kinds.items()
        for test in _compare(name, kind, reference.inputs[name], query.inputs[name])
    ]
    threshold = _threshold([test.p_value for test in tests], alpha)
    return tuple(
        Finding(
            name=test.name,
            statistic=test.statistic,
            p_value=test.p_value,
            threshold=threshold,
            effect=test.effect,
        )
        for test in tests
    )


def _threshold(p_values: Sequence[float], alpha: float) -> float:
    """Where Benjamini and Hochberg's step-up draws the line; that of a single discovery where there is none.

    >>> _threshold([0.001, 0.02, 0.03, 0.9], 0.05)
    0.037500000000000006
    """
    tests = len(p_values)
    below = [k for k, p_value in enumerate(sorted(p_values), 1) if p_value < alpha * k / tests]
    return alpha * max(below, default=1) / tests


def _compare(name: str, kind: InputType, reference: Column, query: Column) -> Iterator[_Test]:
    here, there = _present(reference), _present(query)
    if here.any() and there.any():
        statistic, p_value, effect = _TESTS[kind](reference[here], query[there])
        yield _Test(name=f"column {name}", statistic=statistic, p_value=p_value, effect=effect)
    if not (here.all() and there.all()):
        statistic, p_value, effect = _of_counts(_of_two(here), _of_two(there))
        yield _Test(name=f"column {name}, missing", statistic=statistic, p_value=p_value, effect=effect)


def _numbers(reference: Column, query: Column) -> tuple[float, float, float]:
    """D, p and PSI of two samples of finite numbers."""
    (statistic,), (p_value,) = kolmogorov_smirnov(reference[:, None], query[:, None])
    edges = np.unique(np.quantile(reference, np.arange(1, _BINS) / _BINS))
    counted = [
        np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (reference, query)
    ]
    return float(statistic), float(p_value), stability_index(*counted)


def _categories(reference: Column, query: Column) -> tuple[float, float, float]:
    """Chi-square, p and PSI of two samples of text."""
    levels, places = np.unique(np.concatenate([reference, query]).astype(str), return_inverse=True)
    first, second = places[: len(reference)], places[len(reference) :]
    return _of_counts(np.bincount(first, minlength=len(levels)), np.bincount(second, minlength=len(levels)))


def _of_counts(reference: Counts, query: Counts) -> tuple[float, float, float]:
    return *homogeneity(reference, query), stability_index(reference, query)


def _of_two(present: Present) -> Counts:
    """How many are missing, how many are there."""
    return np.bincount(present, minlength=2)


def _present(column: Column) -> Present:
    """Whether each cell holds a value: text that is not None, or a finite number."""
    if column.dtype == object:
        return np.array([cell is not None for cell in column], dtype=bool)
    return np.isfinite(column)


def _constant(column: Column) -> bool:
    """Whether all cells are alike, missing ones too."""
    present = _present(column)
    if not present.all():
        return not present.any()
    return bool((column == column[0]).all())


_TESTS: Mapping[InputType, Callable[[Column, Column], tuple[float, float, float]]] = {
    InputType.NUMBER: _numbers,
    InputType.CATEGORY: _categories,
}
