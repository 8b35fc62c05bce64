"""Whether a column of strings holds texts: many distinct strings of several words."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.ngrams import hash_texts

_MIN_DISTINCT_FRACTION = 0.5  # of the values; categories, even long ones, recur
_MIN_WORDS = 5.0  # on average; names, addresses and codes have fewer
_MIN_CHARACTERS = 10.0  # words of a script without spaces, on average
_NUMBERS = re.compile(r"[\d\s.,;:\[\]()eE+-]*")  # token ids or a series, written as text


def infer_text_input(distinct: Sequence[str], num_values: int) -> InputColumn | None:
    """The input type text where `num_values` values, so many of them distinct, are texts; else None."""
    if not distinct or len(distinct) < _MIN_DISTINCT_FRACTION * num_values:
        return None
    if all(_NUMBERS.fullmatch(text) for text in distinct):
        return None
    is_text = statistics.fmean(len(text.split()) for text in distinct) >= _MIN_WORDS
    return InputColumn(type=InputType.TEXT) if is_text or _has_script_without_spaces(distinct) else None


def _has_script_without_spaces(texts: Sequence[str]) -> bool:
    """Whether most texts are like Chinese, each character of which counts as a word."""
    if statistics.fmean(text.isascii() for text in texts) > 1 / 2:
        return False
    return len(hash_texts(texts, with_ngrams=False).words) / len(texts) >= _MIN_CHARACTERS
