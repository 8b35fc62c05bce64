"""Rows of a schema drawn at random, within and beyond what a stem was fitted to."""

from __future__ import annotations

import numpy as np

from growlearn.domain.schema import NULLABLE_TYPES, InputColumn, InputType, Schema
from growlearn.ingest.parquet_codec import PADDING
from growlearn.ingest.rows import Column, Rows, hash_rows, object_column
from growlearn.network.graph.inputs import CODED_TYPES, GraphInputs
from growlearn.network.stems.datetimes import DatetimeTokens
from growlearn.network.stems.series import SeriesTokens
from growlearn.network.stems.stem import Stem
from growlearn.network.stems.tables import NumberTokens

_FRACTION_MISSING = 0.1  # of the values that may be
_UNKNOWN_CATEGORY = "a category that no table has"
_MISSING = {InputType.NUMBER: np.nan, InputType.DATETIME: np.datetime64("NaT")}  # None for others


def draw_rows(schema: Schema, stem: Stem, inputs: GraphInputs, count: int, seed: int) -> Rows:
    """Rows without labels: known, unknown and missing values; texts are all missing."""
    random = np.random.default_rng(seed)
    columns: dict[str, Column] = {}
    for name, column in schema.inputs.items():
        if column.type in CODED_TYPES:
            values = [
                *inputs.codes[name],
                *([_UNKNOWN_CATEGORY] if column.type is InputType.CATEGORY else []),
            ]
            drawn = object_column([values[index] for index in random.integers(0, len(values), count)])
        else:
            drawn = _draw(name, column, stem, random, count)
        if column.type in NULLABLE_TYPES and not column.required:
            drawn[random.random(count) < _FRACTION_MISSING] = _MISSING.get(column.type)
        columns[name] = drawn
    return Rows(columns, object_column([None] * count), None, hash_rows(columns, schema))


def _draw(name: str, column: InputColumn, stem: Stem, random: np.random.Generator, count: int) -> Column:
    shape = (count, *(column.shape or ()))
    match column.type:
        case InputType.IMAGE:
            return random.integers(0, 256, shape, dtype=np.uint8)
        case InputType.NUMBER:
            numbers = stem.columns(column.type)
            assert isinstance(numbers, NumberTokens)
            index = numbers.names.index(name)
            return random.normal(numbers.mean[index].item(), 2 * numbers.scale[index].item(), count)
        case InputType.DATETIME:
            datetimes = stem.columns(column.type)
            assert isinstance(datetimes, DatetimeTokens)
            first, *_, last = datetimes.numbers.edges[datetimes.names.index(name)].tolist()
            seconds = random.uniform(first - 86_400, last + 86_400, count)
            return np.asarray((seconds * 1e6).astype(np.int64).view("datetime64[us]"))
        case InputType.TOKENS:
            length = column.length or 0
            ids = random.integers(0, column.vocabulary or 1, (count, length), dtype=np.int32)
            return np.where(np.arange(length) < random.integers(0, length + 1, (count, 1)), ids, PADDING)
        case InputType.SERIES:
            series = stem.column_list(column.type).get_column(name)
            assert isinstance(series, SeriesTokens)
            return random.normal(series.mean.numpy(), 2 * series.scale.numpy(), shape)
        case _:
            return object_column([None] * count)
