"""The decoders of input columns from an Arrow table, by input type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.columns import decode_numbers, decode_texts
from growlearn.ingest.images import decode_images
from growlearn.ingest.row_errors import RowErrors
from growlearn.ingest.rows import Column
from growlearn.ingest.series import decode_series
from growlearn.ingest.tokens import decode_tokens

ColumnDecoder: TypeAlias = Callable[[Any, str, InputColumn, RowErrors, bool], Column]
"""Column, its name, its type, row errors to add to, whether all cells are text -> column of `Rows`.

Every row gets some value; rows that do not fit are marked as errors. Raises InvalidFile for a column without
a usable value.
"""


def _decode_image_column(column: Any, name: str, spec: InputColumn, row_errors: RowErrors, _: bool) -> Column:
    assert spec.shape is not None
    return decode_images(column, name, spec.shape, row_errors)


def _decode_number_column(
    column: Any, name: str, _: InputColumn, row_errors: RowErrors, cells_are_text: bool
) -> Column:
    return decode_numbers(column, name, row_errors, cells_are_text)


def _decode_category_column(
    column: Any, name: str, _: InputColumn, row_errors: RowErrors, __: bool
) -> Column:
    return decode_texts(column, name, row_errors)


def _decode_token_column(column: Any, name: str, spec: InputColumn, row_errors: RowErrors, _: bool) -> Column:
    return decode_tokens(column, name, spec, row_errors)


def _decode_series_column(
    column: Any, name: str, spec: InputColumn, row_errors: RowErrors, _: bool
) -> Column:
    return decode_series(column, name, spec, row_errors)


DECODERS: Mapping[InputType, ColumnDecoder] = MappingProxyType(
    {
        InputType.IMAGE: _decode_image_column,
        InputType.NUMBER: _decode_number_column,
        InputType.CATEGORY: _decode_category_column,
        InputType.TOKENS: _decode_token_column,
        InputType.SERIES: _decode_series_column,
    }
)
"""The decoder of each type of input."""
