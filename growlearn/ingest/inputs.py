"""How each type of input column is read from an Arrow table: the table of decoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from growlearn.domain.schema import Input, InputType
from growlearn.ingest.columns import decode_numbers, decode_texts
from growlearn.ingest.flaws import Flaws
from growlearn.ingest.images import decode_images
from growlearn.ingest.rows import Column
from growlearn.ingest.series import decode_series
from growlearn.ingest.tokens import decode_tokens

Decode: TypeAlias = Callable[[Any, str, Input, Flaws, bool], Column]
"""Column, its name, what it should be, flaws to add to, whether all cells are text -> column of `Rows`.

Every row gets some value; those that do not fit are flagged. Raises UnreadableFile for a column of which
nothing can be used.
"""


def _images(column: Any, name: str, spec: Input, flaws: Flaws, _: bool) -> Column:
    assert spec.shape is not None
    return decode_images(column, name, spec.shape, flaws)


def _numbers(column: Any, name: str, _: Input, flaws: Flaws, cells_are_text: bool) -> Column:
    return decode_numbers(column, name, flaws, cells_are_text)


def _categories(column: Any, name: str, _: Input, flaws: Flaws, __: bool) -> Column:
    return decode_texts(column, name, flaws)


def _tokens(column: Any, name: str, spec: Input, flaws: Flaws, _: bool) -> Column:
    return decode_tokens(column, name, spec, flaws)


def _series(column: Any, name: str, spec: Input, flaws: Flaws, _: bool) -> Column:
    return decode_series(column, name, spec, flaws)


DECODERS: Mapping[InputType, Decode] = MappingProxyType(
    {
        InputType.IMAGE: _images,
        InputType.NUMBER: _numbers,
        InputType.CATEGORY: _categories,
        InputType.TOKENS: _tokens,
        InputType.SERIES: _series,
    }
)
"""The decoder of each type of input."""
