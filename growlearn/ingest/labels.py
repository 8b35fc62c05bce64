"""The label column of an Arrow table -> int, str or None a row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import MAX_NAME_LENGTH, Label, sort_labels
from growlearn.ingest.columns import MISSING_WORDS, NUMBER_PATTERN, mark_long_names, unwrap_column
from growlearn.ingest.row_errors import RowError, RowErrors
from growlearn.ingest.rows import Column, object_column
from growlearn.ingest.spelling import encode_texts, to_nfc

_EXPECTED_LABELS = "labels must be integers, strings or booleans"
_PLAIN_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.0*)?")
_DIGITS = re.compile(r"[+-]?[0-9]+(\.0*)?")  # 007 and numbers of any size too
_BOOLEANS = {"true": 1, "false": 0}
_MIN_INTEGER_FRACTION = 0.9
_MAX_NAMED_LABELS = 3
_MANY_ROWS, _FEW_ROWS, _MIN_COVERED = 50, 2, 0.5


@dataclass(frozen=True, eq=False)
class DecodedLabels:
    """Labels as object [N] of int, str or None (not known yet), and a note on cells that became one label."""

    labels: Column
    note: str | None = None


def decode_labels(
    column: Any, name: str, row_errors: RowErrors, label_kind: type | None = None
) -> DecodedLabels:
    """Labels of a column in any format: the same cells give the same labels; booleans become 0 and 1.

    `label_kind` is int or str where the stream's labels already have one kind. Else text is read as integers
    only where (nearly) every cell is a plain one, such as `7`, or `7.0` as pandas writes integers when some
    are missing; the few other cells are then marked as errors. `007`, `1e3` and `0x1F` are text. Raises
    InvalidFile for a column of another kind, and for numbers that are not whole.
    """
    description = f"label column {name!r}"
    column = unwrap_column(column, keep_dictionary=True)
    encoded = encode_texts(column, description, _EXPECTED_LABELS)
    mark_long_names(encoded, name, row_errors)
    encoded = encoded.without_long(MAX_NAME_LENGTH)
    texts: list[str] = encoded.texts.to_pylist()
    if label_kind is str and pt.is_boolean(column.type):
        raise InvalidFile(f"{description} holds booleans; the labels of this stream are text")
    counts = np.bincount(encoded.indices[encoded.indices >= 0], minlength=len(texts))  # cells of each text
    labels = _read_labels(texts, counts, description, label_kind)
    pairs = list(zip(texts, labels, strict=True))
    is_error = np.array([label is None and not _says_missing(text) for text, label in pairs] + [False])
    for row in np.flatnonzero(is_error[encoded.indices]):
        kind = f"{name} is not a whole number as the others are"
        row_errors.setdefault(int(row), RowError(kind, f": {texts[encoded.indices[row]]!r}"))
    return DecodedLabels(
        object_column([*labels, None])[encoded.indices], _describe_merges(pairs, description)
    )


def spell_label(label: Label | float) -> str:
    """One text a label, however a file or a request writes it.

    >>> [spell_label(label) for label in (True, 1, 1.0, "1", "1.0", "007", " late")]
    ['1', '1', '1', '1', '1', '007', 'late']
    """
    text = to_nfc(str(label)).strip()
    integer = _BOOLEANS.get(text.lower(), _parse_integer(text, _PLAIN_INTEGER))
    return text if integer is None else str(integer)


def frequent_labels(
    labels: Iterable[Label | None], min_rows: int
) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """Labels with at least `min_rows` rows, and the others; all labels where none has so many.

    >>> frequent_labels([1, 1, 1, 0, 0, 7, None], 2)
    ((0, 1), (7,))
    >>> frequent_labels(["a", "b"], 2)
    (('a', 'b'), ())
    """
    frequent, rare = count_label_rows(labels, min_rows)
    return (frequent, rare) if frequent else (rare, ())


def count_label_rows(
    labels: Iterable[Label | None], min_rows: int
) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """Labels with at least `min_rows` rows, and those with fewer.

    Of many classes hardly any has so many rows: where those that do are less than half of 50 rows or more,
    half as many rows suffice, and so on down to two, if that gives half of the rows.

    >>> count_label_rows(["a", "b", "b", None], 2)
    (('b',), ('a',))
    >>> count_label_rows([*range(30), *range(30)], 5)[0] == tuple(range(30))
    True
    """
    counts = Counter(label for label in labels if label is not None)
    least = _find_least_rows(counts, min_rows)
    frequent = sort_labels(label for label, count in counts.items() if count >= least)
    return frequent, sort_labels(label for label, count in counts.items() if count < least)


def _find_least_rows(counts: Counter[Label], min_rows: int) -> int:
    """How many rows make a label frequent: `min_rows`, or fewer where there are many classes."""
    total, least = counts.total(), min_rows
    while total >= _MANY_ROWS and least >= _FEW_ROWS:
        if sum(count for count in counts.values() if count >= least) >= _MIN_COVERED * total:
            return least
        least //= 2
    return min_rows


def _read_labels(
    texts: Sequence[str], counts: Column, description: str, label_kind: type | None
) -> list[Label | None]:
    """The label of each distinct text; None for one that is no integer where the labels are integers."""
    integers = [_parse_integer(text, _PLAIN_INTEGER) for text in texts]
    is_integer = np.array([value is not None for value in integers], dtype=bool)
    is_missing = np.array([_says_missing(text) for text in texts], dtype=bool)
    is_number = is_integer | is_missing
    if label_kind is str:
        spelled = [None if value is None else str(value) for value in integers]
        return list(spelled if is_number.all() else texts)
    if all(text.lower() in _BOOLEANS or _says_missing(text) for text in texts):
        return [_BOOLEANS.get(text.lower()) for text in texts]
    _require_whole_numbers(texts, description)
    if label_kind is int:
        return _read_as_integers(texts, description)
    has_codes = any(map(_DIGITS.fullmatch, np.array(texts, dtype=object)[~is_number]))
    integer_fraction = counts[is_integer].sum() / max(counts[is_integer | ~is_number].sum(), 1)
    is_mostly_integers = integer_fraction >= _MIN_INTEGER_FRACTION and not has_codes
    return list(integers) if is_number.all() or is_mostly_integers else list(texts)


def _parse_integer(text: str, pattern: re.Pattern[str]) -> int | None:
    """A whole number of 64 bits; None where the text does not match the pattern."""
    if not pattern.fullmatch(text):
        return None
    value = int(text.partition(".")[0])
    return value if -(2**63) <= value < 2**63 else None


def _says_missing(text: str) -> bool:
    """Whether a cell says that it has no label, where the others are numbers or booleans."""
    return text.lower() in MISSING_WORDS


def _require_whole_numbers(texts: Sequence[str], description: str) -> None:
    """Raise InvalidFile where all texts are numbers, but some are not whole."""
    numbers = [text for text in texts if not _says_missing(text)]
    if not all(map(NUMBER_PATTERN.fullmatch, numbers)):
        return
    fraction = next((text for text in numbers if not float(text).is_integer()), None)
    if fraction is not None:
        raise InvalidFile(
            f"{description} holds numbers that are not whole, such as {fraction}; {_EXPECTED_LABELS}"
        )


def _read_as_integers(texts: Sequence[str], description: str) -> list[Label | None]:
    labels = [_BOOLEANS.get(text.lower(), _parse_integer(text, _DIGITS)) for text in texts]
    misfits = [
        text for text, label in zip(texts, labels, strict=True) if label is None and not _says_missing(text)
    ]
    if misfits and len(misfits) == len(texts):
        raise InvalidFile(
            f"{description} holds text such as {misfits[0]!r}; the labels of this stream are integers"
        )
    return list(labels)


def _describe_merges(pairs: Sequence[tuple[str, Label | None]], description: str) -> str | None:
    """Which cells became one label, or another number than they show; None where none did."""
    spellings: dict[Label, set[str]] = {}
    for text, label in pairs:
        if label is not None:
            spellings.setdefault(label, set()).add(text)
    merged = [
        f"{' and '.join(map(repr, sorted(spellings[label])))} {'is' if len(spellings[label]) == 1 else 'are'}"
        f" read as {label!r}"
        for label in sort_labels(spellings)
        if len(spellings[label]) > 1 or (isinstance(label, int) and _is_padded(*spellings[label]))
    ]
    if not merged:
        return None
    more = f" and {len(merged) - _MAX_NAMED_LABELS} more labels" if len(merged) > _MAX_NAMED_LABELS else ""
    return f"{description}: {', '.join(merged[:_MAX_NAMED_LABELS])}{more}"


def _is_padded(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None and _PLAIN_INTEGER.fullmatch(text) is None
