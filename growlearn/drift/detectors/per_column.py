"""Tests of every input column, with the false discovery rate controlled.

Sources: two-sample Kolmogorov-Smirnov for numbers and Pearson's chi-square for categories; Benjamini and
Hochberg, "Controlling the False Discovery Rate" (JRSS B 1995); PSI as in Siddiqi, "Credit Risk Scorecards".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, ks_2samp

from growlearn.domain.schema import NULLABLE_TYPES, InputType
from growlearn.drift.detectors.contingency import (
    CategoryCounts,
    chi_square_homogeneity,
    population_stability_index,
)
from growlearn.drift.detectors.result import DetectorResult, Inconclusive, check_rows
from growlearn.drift.sample import Sample
from growlearn.drift.text_statistics import iter_text_statistics
from growlearn.ingest.missing import missing_mask
from growlearn.ingest.rows import Column

_NUM_PSI_BINS = 10  # deciles of the reference, for the PSI of numbers

PresentMask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class _ColumnTest:
    name: str
    statistic: float
    p_value: float
    effect: float


def per_column(reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
    """Compare every input column separately: numbers by KS, categories and booleans by chi-square.

    Of text, numbers that describe each row are compared by KS, such as "column NAME, length". The values that
    are there are compared, and where some are missing on either side their share is tested too, as "column
    NAME, missing". Of dates and times only that is tested: time always moves on. Drift where
    p < alpha k / m, with m tests and k the largest number with k p-values below it (Benjamini-Hochberg): the
    expected false discovery rate is at most alpha, and where nothing changed the probability of any alarm is
    at most alpha, if the columns are independent or positively dependent. The effect is the column's PSI,
    over deciles of the reference for numbers. Raises Inconclusive below 2 rows a side, for images, tokens and
    series, and where no column of the reference has two values to compare.
    """
    check_rows(reference, query, min_rows=2)
    for name, kind in reference.kinds.items():
        if kind not in NULLABLE_TYPES:
            raise Inconclusive(
                f"column {name!r} is of type {kind}; per-column compares numbers, categories, booleans, text",
                hint="use mmd, classifier-two-sample or output-ks",
            )
    if all(_is_constant(reference.inputs[name], kind) for name, kind in reference.kinds.items()):
        raise Inconclusive(f"no column of the {len(reference)} reference rows has two values to compare")
    tests = [
        test
        for name, kind in reference.kinds.items()
        for test in _compare_column(name, kind, reference.inputs[name], query.inputs[name])
    ]
    threshold = _benjamini_hochberg_threshold([test.p_value for test in tests], alpha)
    return tuple(
        DetectorResult(
            name=test.name,
            statistic=test.statistic,
            p_value=test.p_value,
            threshold=threshold,
            effect=test.effect,
        )
        for test in tests
    )


def _benjamini_hochberg_threshold(p_values: Sequence[float], alpha: float) -> float:
    """The Benjamini-Hochberg step-up threshold; that of a single discovery where there is none.

    >>> _benjamini_hochberg_threshold([0.001, 0.02, 0.03, 0.9], 0.05)
    0.037500000000000006
    """
    num_discoveries = int((false_discovery_control(p_values) < alpha).sum())
    return alpha * max(num_discoveries, 1) / len(p_values)


def _compare_column(name: str, kind: InputType, reference: Column, query: Column) -> Iterator[_ColumnTest]:
    reference_present, query_present = ~missing_mask(reference), ~missing_mask(query)
    if kind in _COLUMN_TESTS and reference_present.any() and query_present.any():
        statistic, p_value, effect = _COLUMN_TESTS[kind](reference[reference_present], query[query_present])
        yield _ColumnTest(name=f"column {name}", statistic=statistic, p_value=p_value, effect=effect)
    if kind is InputType.TEXT and reference_present.any() and query_present.any():
        yield from _compare_texts(name, reference[reference_present], query[query_present])
    if not (reference_present.all() and query_present.all()):
        statistic, p_value, effect = _compare_counts(
            _missing_counts(reference_present), _missing_counts(query_present)
        )
        yield _ColumnTest(name=f"column {name}, missing", statistic=statistic, p_value=p_value, effect=effect)


def _compare_numbers(reference: Column, query: Column) -> tuple[float, float, float]:
    """D, p and PSI of two samples of finite numbers."""
    # With one value on a side the asymptotic p-value is undefined or wrong.
    method = "exact" if min(len(reference), len(query)) == 1 else "asymp"
    test = ks_2samp(reference, query, method=method)
    edges = np.unique(np.quantile(reference, np.arange(1, _NUM_PSI_BINS) / _NUM_PSI_BINS))
    histograms = [
        np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (reference, query)
    ]
    return float(test.statistic), float(test.pvalue), population_stability_index(*histograms)


def _compare_categories(reference: Column, query: Column) -> tuple[float, float, float]:
    """Chi-square, p and PSI of two samples of text."""
    levels, codes = np.unique(np.concatenate([reference, query]).astype(str), return_inverse=True)
    reference_codes, query_codes = codes[: len(reference)], codes[len(reference) :]
    return _compare_counts(
        np.bincount(reference_codes, minlength=len(levels)), np.bincount(query_codes, minlength=len(levels))
    )


def _compare_texts(name: str, reference: Column, query: Column) -> Iterator[_ColumnTest]:
    """D, p and PSI of each number that describes a text."""
    for statistic_name, reference_values, query_values in iter_text_statistics(reference, query):
        statistic, p_value, effect = _compare_numbers(reference_values, query_values)
        yield _ColumnTest(
            name=f"column {name}, {statistic_name}", statistic=statistic, p_value=p_value, effect=effect
        )


def _compare_counts(reference: CategoryCounts, query: CategoryCounts) -> tuple[float, float, float]:
    return *chi_square_homogeneity(reference, query), population_stability_index(reference, query)


def _missing_counts(present: PresentMask) -> CategoryCounts:
    """The number of missing and of present values."""
    return np.bincount(present, minlength=2)


def _is_constant(column: Column, kind: InputType) -> bool:
    """Whether all cells count as equal, missing ones included."""
    missing = missing_mask(column)
    if missing.any():
        return bool(missing.all())
    return (kind not in _COLUMN_TESTS and kind is not InputType.TEXT) or bool((column == column[0]).all())


_COLUMN_TESTS: Mapping[InputType, Callable[[Column, Column], tuple[float, float, float]]] = {
    InputType.NUMBER: _compare_numbers,
    InputType.CATEGORY: _compare_categories,
    InputType.BOOLEAN: _compare_categories,
}
