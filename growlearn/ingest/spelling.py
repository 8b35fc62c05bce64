"""One spelling of a value, whatever the format that holds it: numbers as doubles, anything else as text.

CSV, Parquet, Arrow, JSON and data frames write one value in several ways. A category, a task, a row id and a
label are compared and hashed as text, so here every way becomes one: `True` and a boolean are `true`; `7`,
`7.0` and a decimal 7.00 are `7`; spaces around a value are not part of it; text is in Unicode form NFC; and
dates are ISO 8601. `007`, `1e3` and `0x1F` are codes, not numbers, and stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.rows import Column, object_column

_BOOLEAN = r"^(?i:true|false)$"
_WHOLE_WITH_POINT = r"^(-?(?:0|[1-9][0-9]*))\.0+$"
# As Python and R (1e+05) or Java (1.0E7) write a float; 1e3 may be a code.
_EXPONENT = r"^-?[0-9](?:\.[0-9]+[eE]\+?|[eE]\+)[0-9]+$"
_MINUS_ZERO = r"^-0$"
_MAY_BE_SPELLED_ANEW = r"[.+]|^-0$|^(?i:true|false)$"  # a quick test for the four above
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_UUID_HYPHENS = (8, 12, 16, 20)  # hex digits before each
_FLOAT_DIGITS = {16: 11, 32: 24, 64: 53}
"""Binary digits of a float by its width in bits: larger whole numbers have gaps."""


@dataclass(frozen=True, eq=False)
class EncodedTexts:
    """Texts of N cells: `texts[indices]`, index -1 for a missing cell. A text may occur twice in `texts`.

    texts: pyarrow large_string array without nulls. indices: int64 [N].
    """

    texts: Any
    indices: Column

    def decode(self) -> Column:
        """The cells as object [N] of str, None where one is missing."""
        return object_column([*self.texts.to_pylist(), None])[self.indices]

    def without_long(self, max_length: int) -> EncodedTexts:
        """The same, missing where a text has more than `max_length` characters."""
        is_kept = pc.less_equal(pc.utf8_length(self.texts), max_length)
        if pc.all(is_kept).as_py() is not False:
            return self
        kept = np.asarray(is_kept.to_numpy(zero_copy_only=False), dtype=bool)
        places = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        return EncodedTexts(self.texts.filter(is_kept), places[self.indices])


# Numbers --------------------------------------------------------------------------------------------


def to_doubles(column: Any) -> Column:
    """Numbers or booleans as float64 [N], each the double nearest to the decimal as written; null is NaN.

    A value that a float32 holds exactly counts as the decimal that this float32 prints as: 0.1 in CSV, in a
    float32 column and in one that was widened to doubles is one value. -0.0 becomes 0.0.
    """
    if pt.is_decimal(column.type):
        column = column.cast(pa.string())  # Arrow's own cast is off by one digit
    elif pt.is_float16(column.type):
        column = _float16_as_float32(column)
    doubles = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return _shortest_doubles(np.asarray(doubles, dtype=np.float64) + 0.0)


def _shortest_doubles(doubles: Column) -> Column:
    with np.errstate(over="ignore", under="ignore"):
        singles = doubles.astype(np.float32)
    is_single = (singles == doubles) & (np.abs(doubles) >= np.finfo(np.float32).tiny)
    is_single &= np.floor(doubles) != doubles  # whole numbers are exact already
    if not is_single.any():
        return doubles
    shortest = doubles.copy()
    shortest[is_single] = pa.array(singles[is_single]).cast(pa.string()).cast(pa.float64()).to_numpy()
    return shortest


def _float16_as_float32(column: Any) -> Any:
    """Each value as the float32 nearest to the decimal that the float16 prints as."""
    halves = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float16)
    values, inverse = np.unique(halves, return_inverse=True)  # at most 65,536
    return pa.array(values.astype(str).astype(np.float32)[inverse], mask=np.asarray(column.is_null()))


# Text -----------------------------------------------------------------------------------------------


def spell(column: Any, description: str, wanted: str) -> EncodedTexts:
    """The one spelling of each cell of a category, task or id column.

    `description` and `wanted` are for the InvalidFile of a column of another kind.
    """
    encoded = encode_texts(column, description, wanted)
    if pt.is_integer(column.type):
        return encoded
    is_chosen = pc.match_substring_regex(encoded.texts, _MAY_BE_SPELLED_ANEW)
    if not pc.any(is_chosen).as_py():
        return encoded
    texts = encoded.texts.filter(is_chosen)
    texts = _rewrite(texts, pc.match_substring_regex(texts, _BOOLEAN), str.lower)
    texts = _rewrite(texts, pc.match_substring_regex(texts, _EXPONENT), _spell_exponent)
    texts = pc.replace_substring_regex(texts, _WHOLE_WITH_POINT, r"\1")
    texts = pc.replace_substring_regex(texts, _MINUS_ZERO, "0")
    return EncodedTexts(pc.replace_with_mask(encoded.texts, is_chosen, texts), encoded.indices)


def encode_texts(column: Any, description: str, wanted: str) -> EncodedTexts:
    """Each cell as trimmed text in form NFC; an empty text, null or NaN is missing.

    Text may still be one of several spellings of a number or boolean. Raises InvalidFile for a column that
    holds anything but text, numbers, booleans or dates, and for floats that may have lost digits.
    """
    if pt.is_dictionary(column.type):
        return _encode_dictionaries(column, description, wanted)
    encoded = _as_encodable(column, description, wanted).dictionary_encode()
    chunks = encoded.unify_dictionaries().chunks
    indices = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in chunks]
    values = chunks[0].dictionary if chunks else pa.array([], encoded.type.value_type)
    texts = _to_texts(values, column.type, description)
    is_empty = np.asarray(pc.fill_null(pc.equal(texts, ""), True).to_numpy(zero_copy_only=False), dtype=bool)
    kept = np.where(is_empty, -1, np.cumsum(~is_empty) - 1)
    kept = np.append(kept, -1)  # index -1: null
    all_indices = np.concatenate([*indices, np.empty(0, np.int64)]).astype(np.int64)
    return EncodedTexts(texts.filter(pa.array(~is_empty)), kept[all_indices])


def _encode_dictionaries(column: Any, description: str, wanted: str) -> EncodedTexts:
    """The same for a column of dictionaries, each value that a row has read once."""
    texts, indices, num_texts = [pa.array([], pa.large_string())], [np.empty(0, np.int64)], 0
    for chunk in column.chunks:
        places = np.asarray(pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
        used, inverse = np.unique(places, return_inverse=True)  # -1 first, where a cell is null
        values = chunk.dictionary.take(pa.array(used, mask=used < 0))
        encoded = encode_texts(pa.chunked_array([values]), description, wanted)
        texts.append(encoded.texts)
        indices.append(np.where(encoded.indices < 0, -1, encoded.indices + num_texts)[inverse])
        num_texts += len(encoded.texts)
    return EncodedTexts(_concat_texts(texts), np.concatenate(indices))


def _concat_texts(parts: Sequence[Any]) -> Any:
    chunks = [
        chunk for part in parts for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])
    ]
    return pa.concat_arrays(chunks)


def _as_encodable(column: Any, description: str, wanted: str) -> Any:
    """The column in a type that Arrow encodes as a dictionary."""
    arrow_type = column.type
    if is_bytes_type(arrow_type):
        return decode_utf8(column, description)
    if pt.is_float16(arrow_type):
        return pa.chunked_array([_float16_as_float32(column)])
    if pt.is_decimal(arrow_type) or pt.is_string(arrow_type) or pt.is_string_view(arrow_type):
        texts = column.cast(pa.string()).cast(pa.large_string())
        return _drop_scale(texts) if pt.is_decimal(arrow_type) else texts
    kinds = (pt.is_large_string, pt.is_integer, pt.is_boolean, pt.is_floating, pt.is_timestamp, pt.is_date)
    if not any(is_kind(arrow_type) for is_kind in (*kinds, pt.is_null)):
        raise InvalidFile(f"{description} is {arrow_type}; {wanted}")
    return column


def _drop_scale(texts: Any) -> Any:
    """Decimals without the zeros of their column's scale: 0.50 is the number that a double writes as 0.5."""
    return pc.replace_substring_regex(texts, r"^(-?[0-9]+)(?:\.0*|(\.[0-9]*[1-9])0*)$", r"\1\2")


def is_bytes_type(arrow_type: Any) -> bool:
    """Whether an Arrow type holds bytes, as text does in Parquet files of some writers."""
    tests = (pt.is_binary, pt.is_large_binary, pt.is_binary_view, pt.is_fixed_size_binary)
    return any(test(arrow_type) for test in tests)


def decode_utf8(column: Any, description: str) -> Any:
    """Bytes as large_string, fixed-size ones without zeros at their end; raises InvalidFile for no UTF-8."""
    try:
        texts = column.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid as error:
        raise InvalidFile(
            f"{description} holds bytes that are no UTF-8 text", hint="write it as text or whole numbers"
        ) from error
    return pc.utf8_rtrim(texts, "\0") if pt.is_fixed_size_binary(column.type) else texts


def _to_texts(values: Any, column_type: Any, description: str) -> Any:
    """Distinct values without nulls as large_string; null for NaN."""
    arrow_type = values.type
    if pt.is_floating(arrow_type):
        return _spell_floats(values, column_type, description)
    if pt.is_timestamp(arrow_type) and arrow_type.tz is not None:
        values = values.cast(pa.timestamp(arrow_type.unit, "UTC"))
    texts = values.cast(pa.large_string())
    if pt.is_large_string(arrow_type):
        texts = pc.utf8_trim_whitespace(_rewrite(texts, pc.invert(pc.string_is_ascii(texts)), to_nfc))
    return _rewrite(texts, pc.match_substring(texts, ":"), _spell_time)


def _spell_floats(values: Any, column_type: Any, description: str) -> Any:
    """Whole numbers as their digits, others as the shortest decimal; null for NaN."""
    doubles = to_doubles(values)
    is_whole = np.isfinite(doubles) & (np.floor(doubles) == doubles)
    too_large = doubles[is_whole & (np.abs(doubles) > 2.0 ** _FLOAT_DIGITS[column_type.bit_width])]
    if len(too_large):
        raise InvalidFile(
            f"{description} holds {too_large[0]:g} as {column_type}, which cannot tell such numbers apart",
            hint="write it as integers or text",
        )
    whole = pa.array(np.where(is_whole, doubles, 0).astype(np.int64)).cast(pa.large_string())
    decimals = object_column([None] * len(doubles))
    decimals[~is_whole] = [None if np.isnan(value) else repr(value) for value in doubles[~is_whole].tolist()]
    return pc.if_else(pa.array(is_whole), whole, pa.array(decimals, pa.large_string()))


def _rewrite(texts: Any, is_chosen: Any, spell_text: Callable[[str], str]) -> Any:
    """The texts with the chosen ones spelled anew; few are, so one by one is fast enough."""
    if not pc.any(is_chosen).as_py():
        return texts
    spelled = [spell_text(text) for text in texts.filter(is_chosen).to_pylist()]
    return pc.replace_with_mask(texts, is_chosen, pa.array(spelled, pa.large_string()))


def to_nfc(text: str) -> str:
    """The text in Unicode form NFC."""
    return unicodedata.normalize("NFC", text)  # Arrow's NFC leaves accents apart


def _spell_exponent(text: str) -> str:
    """Digits for a whole number that a double holds exactly; else the text itself."""
    value = Decimal(text)
    is_exact = abs(value) <= 2**53 and value == value.to_integral_value()
    return str(int(value)) if is_exact else text


def _spell_time(text: str) -> str:
    """A time as date, space and time of day without trailing zeros; midnight as its date; zoned ones in UTC.

    Other text stays as it is.

    >>> _spell_time("2013-01-01T05:00:00.000"), _spell_time("2013-01-01 00:00")
    ('2013-01-01 05:00:00', '2013-01-01')
    >>> _spell_time("2013-01-01T01:00+02:00")
    '2012-12-31 23:00:00'
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    date, minutes, seconds, fraction, zone = match.groups()
    moment = f"{date} {minutes}{seconds or ':00'}"
    if zone is not None:
        try:
            moment = f"{datetime.fromisoformat(moment + zone).astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        except (ValueError, OverflowError):  # no such day or hour
            return text
    fraction = (fraction or "").rstrip("0").rstrip(".")
    return moment + fraction if fraction else moment.removesuffix(" 00:00:00")


def spell_uuids(column: Any) -> Any:
    """A column of Arrow's UUID type as text with hyphens."""
    storage = pa.chunked_array([chunk.storage for chunk in column.chunks], pa.binary(16))
    digits = np.frombuffer(b"".join(storage.drop_null().to_pylist()).hex().encode(), "S1").reshape(-1, 32)
    texts = np.insert(digits, list(_UUID_HYPHENS), b"-", axis=1)
    cells = object_column([None] * len(column))
    cells[np.asarray(storage.is_valid())] = [text.decode() for text in texts.reshape(-1).view("S36")]
    return pa.chunked_array([pa.array(cells, pa.large_string())])
