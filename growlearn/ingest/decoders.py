"""The decoders of input columns from an Arrow table, by input type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from growlearn.domain.schema import NULLABLE_TYPES, InputColumn, InputType
from growlearn.ingest.booleans import decode_booleans
from growlearn.ingest.columns import decode_numbers, decode_texts
from growlearn.ingest.datetimes import decode_datetimes
from growlearn.ingest.images import decode_images
from growlearn.ingest.missing import missing_mask
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows
from growlearn.ingest.rows import Column
from growlearn.ingest.series import decode_series
from growlearn.ingest.texts import decode_free_texts
from growlearn.ingest.tokens import decode_tokens

ColumnDecoder: TypeAlias = Callable[[Any, str, InputColumn, RowErrors, bool], Column]
"""Column, its name, its type, row errors to add to, whether all cells are text -> column of `Rows`.

Every row gets some value; rows that do not fit are marked as errors, but not those without a value where it
may be missing (NULLABLE_TYPES). Raises InvalidFile for a column without a usable value.
"""


def decode_input(
    column: Any, name: str, spec: InputColumn, row_errors: RowErrors, cells_are_text: bool
) -> Column:
    """Decode an input column; rows without a value are errors where the column is `required`."""
    values = DECODERS[spec.type](column, name, spec, row_errors, cells_are_text)
    if spec.required and spec.type in NULLABLE_TYPES:
        mark_rows(row_errors, missing_mask(values), RowError(f"{name} is missing"))
    return values


def _decode_image_column(column: Any, name: str, spec: InputColumn, row_errors: RowErrors, _: bool) -> Column:
    assert spec.shape is not None
    return decode_images(column, name, spec.shape, spec.pixel_max, row_errors)


def _decode_number_column(
    column: Any, name: str, _: InputColumn, row_errors: RowErrors, cells_are_text: bool
) -> Column:
    return decode_numbers(column, name, row_errors, cells_are_text)


def _decode_category_column(
    column: Any, name: str, _: InputColumn, row_errors: RowErrors, __: bool
) -> Column:
    return decode_texts(column, name, row_errors, required=False)


def _decode_boolean_column(column: Any, name: str, _: InputColumn, row_errors: RowErrors, __: bool) -> Column:
    return decode_booleans(column, name, row_errors)


def _decode_datetime_column(
    column: Any, name: str, _: InputColumn, row_errors: RowErrors, __: bool
) -> Column:
    return decode_datetimes(column, name, row_errors)


def _decode_token_column(column: Any, name: str, spec: InputColumn, row_errors: RowErrors, _: bool) -> Column:
    return decode_tokens(column, name, spec, row_errors)


def _decode_series_column(
    column: Any, name: str, spec: InputColumn, row_errors: RowErrors, _: bool
) -> Column:
    return decode_series(column, name, spec, row_errors)


def _decode_text_column(column: Any, name: str, _: InputColumn, row_errors: RowErrors, __: bool) -> Column:
    return decode_free_texts(column, name, row_errors)


DECODERS: Mapping[InputType, ColumnDecoder] = MappingProxyType(
    {
        InputType.IMAGE: _decode_image_column,
        InputType.NUMBER: _decode_number_column,
        InputType.CATEGORY: _decode_category_column,
        InputType.TOKENS: _decode_token_column,
        InputType.SERIES: _decode_series_column,
        InputType.BOOLEAN: _decode_boolean_column,
        InputType.DATETIME: _decode_datetime_column,
        InputType.TEXT: _decode_text_column,
    }
)
"""The decoder of each type of input."""
