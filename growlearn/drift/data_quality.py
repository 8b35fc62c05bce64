"""Data quality: a window's column is missing, is constant, has only unknown values, or another unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.stats import ks_2samp

from growlearn.domain.schema import NULLABLE_TYPES, InputType
from growlearn.drift.sample import Sample
from growlearn.drift.text_statistics import unknown_word_shares
from growlearn.ingest.columns import truncate_repr
from growlearn.ingest.missing import missing_mask
from growlearn.ingest.rows import Column

_MAX_PROBABILITY = 1e-6  # of a valid window to look so; below it there is an issue
_MIN_SCALE_FACTOR = 5.0  # smallest factor, up or down, of a changed unit
_MIN_P_VALUE_SAME_SHAPE = 1e-3  # from here on two rescaled columns have the same shape
_DECILES = np.arange(1, 10) / 10  # at least one of them shows the factor where a column has few levels


def find_quality_issue(reference: Sample, window: Sample) -> str | None:
    """The data quality issues of a window's columns, as a sentence; None where there are none.

    An issue is reported only if its probability in a valid window is below one in a million.
    """
    issues = (
        _column_issue(name, kind, reference.inputs[name], window.inputs[name])
        for name, kind in window.kinds.items()
        if name in reference.inputs
    )
    messages = [issue for issue in issues if issue is not None]
    return "; ".join(messages) if messages else None


def _column_issue(name: str, kind: InputType, reference: Column, window: Column) -> str | None:
    if len(reference) == 0 or len(window) == 0:
        return None
    if kind not in NULLABLE_TYPES:
        return _constant_input_issue(name, kind, reference, window)
    reference_missing, window_missing = missing_mask(reference), missing_mask(window)
    if window_missing.all():
        return _missing_column_issue(name, reference_missing, len(window))
    reference, window = reference[~reference_missing], window[~window_missing]
    if not len(reference) or (reference == reference[0]).all():
        return None  # it does not tell how far its values vary
    if kind is InputType.DATETIME and window[0] > reference.max():
        return None  # time moves on: all rows of a new day may have its date
    issue = _constant_column_issue(name, reference, window, bool(window_missing.any()))
    if issue is None and kind in _VALUE_ISSUES:
        issue = _VALUE_ISSUES[kind](name, reference, window)
    return issue


def _missing_column_issue(name: str, reference_missing: Column, rows: int) -> str | None:
    fraction = float(reference_missing.mean())
    if not _is_improbable(fraction, len(reference_missing), rows):
        return None
    return (
        f"column {name!r} is missing in every row; in the reference it is missing in {fraction:.0%} of them"
    )


def _constant_column_issue(name: str, reference: Column, window: Column, some_missing: bool) -> str | None:
    value = window[0]
    if not (window == value).all():
        return None
    fraction = float((reference == value).mean())
    if not _is_improbable(fraction, len(reference), len(window)):
        return None
    num_values = len(set(reference.tolist()))
    value_text = f"{value:g}" if isinstance(value, float) else truncate_repr(str(value))
    rows = "row that has a value" if some_missing else "row"
    return f"column {name!r} is {value_text} in every {rows}; the reference has {num_values} values of it"


def _unknown_categories_issue(name: str, reference: Column, window: Column) -> str | None:
    """The chance of an unseen value is about the share of values that were seen once (Good 1953)."""
    counts = Counter(reference.tolist())
    if any(value in counts for value in window.tolist()):
        return None
    seen_once = sum(count == 1 for count in counts.values()) / len(reference)
    if not _is_improbable(seen_once, len(reference), len(window)):
        return None
    return f"column {name!r} has not one value that was seen before, such as {window[0]!r}"


def _unknown_words_issue(name: str, reference: Column, window: Column) -> str | None:
    """Texts that share no word with the reference: another language or encoding, or another column."""
    reference_shares, shares = unknown_word_shares(reference, window)
    fraction = float((reference_shares == 1).mean())
    if not (shares == 1).all() or not _is_improbable(fraction, len(reference), len(window)):
        return None
    return f"no text of column {name!r} has a word that was seen before, such as {truncate_repr(window[0])}"


def _scale_change_issue(name: str, reference: Column, window: Column) -> str | None:
    """The same values times a factor far from 1; the factor is estimated from nonzero values."""
    reference_sizes, sizes = np.abs(reference[reference != 0]), np.abs(window[window != 0])
    if len(reference_sizes) == 0 or len(sizes) == 0:
        return None
    ratios = np.unique(np.quantile(sizes, _DECILES) / np.quantile(reference_sizes, _DECILES))
    is_far = (ratios >= _MIN_SCALE_FACTOR) | (ratios <= 1 / _MIN_SCALE_FACTOR)
    candidate_ratios = [ratio for ratio in ratios[is_far] if _moves_all(ratio, ratios)]
    if not candidate_ratios or ks_2samp(reference_sizes, sizes, method="asymp").pvalue >= _MAX_PROBABILITY:
        return None
    p_values = [ks_2samp(reference, window / ratio, method="asymp").pvalue for ratio in candidate_ratios]
    if max(p_values) < _MIN_P_VALUE_SAME_SHAPE:
        return None
    factor = candidate_ratios[int(np.argmax(p_values))]
    factor_text = f"{factor:.3g} times as large" if factor > 1 else f"{1 / factor:.3g} times as small"
    return f"column {name!r} is {factor_text} as in the reference and otherwise alike: was its unit changed?"


def _moves_all(factor: float, ratios: npt.NDArray[np.float64]) -> bool:
    """Whether every decile moved most of the way: heavier rain has the same smallest sizes.

    Most of the way is the square root of the factor or more. Where many values are zero, a test of the shape
    alone would see the zeros.
    """
    share = np.log(ratios) / np.log(factor)
    return bool((share >= 0.5).all())


_VALUE_ISSUES: Mapping[InputType, Callable[[str, Column, Column], str | None]] = {
    InputType.NUMBER: _scale_change_issue,
    InputType.CATEGORY: _unknown_categories_issue,
    InputType.BOOLEAN: _unknown_categories_issue,
    InputType.TEXT: _unknown_words_issue,
}
"""What may be wrong with the values of a column that is not constant, missing ones left out."""


def _constant_input_issue(name: str, kind: InputType, reference: Column, window: Column) -> str | None:
    """Images, tokens or series that are equal in all rows, or constant within every row."""
    plural = {InputType.IMAGE: "images", InputType.TOKENS: "tokens", InputType.SERIES: "series"}[kind]
    flat_window, flat_reference = _flatten_rows(window), _flatten_rows(reference)
    if (
        len(flat_window) > 1
        and (flat_window == flat_window[0]).all()
        and not (flat_reference == flat_reference[0]).all()
    ):
        return f"the {plural} of {name!r} are the same in every row"
    reference_fraction = float(_constant_rows(flat_reference).mean())
    if _constant_rows(flat_window).all() and _is_improbable(reference_fraction, len(reference), len(window)):
        return f"the {plural} of {name!r} hold one value throughout, in every row"
    return None


def _is_improbable(fraction: float, reference_rows: int, rows: int) -> bool:
    """Whether it is improbable that all of `rows` rows have what a fraction of the reference's rows has.

    The fraction is raised by one reference row, to be conservative with a small reference.
    """
    probability = min(1.0, fraction + 1 / reference_rows)
    return bool(rows * np.log(probability) < np.log(_MAX_PROBABILITY)) if probability < 1 else False


def _flatten_rows(column: Column) -> Column:
    return np.ascontiguousarray(column).reshape(len(column), -1)


def _constant_rows(flat: Column) -> npt.NDArray[np.bool_]:
    return np.asarray((flat == flat[:, :1]).all(axis=1))
