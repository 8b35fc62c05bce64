"""The codec of each input type in a window's Parquet file: plain values that any reader understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from growlearn.domain.schema import InputColumn, InputType

ColumnArray = npt.NDArray[Any]

_TIME_TYPE = pa.timestamp("us", "UTC")
PADDING = -1
"""Fills a row of token ids up to the fixed length."""


@dataclass(frozen=True)
class ColumnCodec:
    """`write` encodes a column as Arrow; `read` decodes it, with ValueError for another kind of input."""

    write: Callable[[ColumnArray], Any]
    read: Callable[[Any, InputColumn], ColumnArray]


def to_shared_objects(column: Any) -> ColumnArray:
    """A column of text or integers as object [N], None where null; equal cells are one object.

    >>> to_shared_objects(pa.chunked_array([["a", None, "a"]])).tolist()
    ['a', None, 'a']
    """
    encoded = column.dictionary_encode().combine_chunks()
    chunks = encoded.chunks if isinstance(encoded, pa.ChunkedArray) else [encoded]
    parts = [_take_shared(chunk) for chunk in chunks]
    return np.concatenate(parts) if parts else np.empty(0, dtype=object)


def _take_shared(encoded: Any) -> ColumnArray:
    values = np.empty(len(encoded.dictionary) + 1, dtype=object)
    values[:-1] = encoded.dictionary.to_pylist()  # the last one stays None: index -1 is null
    return np.asarray(values[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)], dtype=object)


def _to_single_array(column: Any) -> Any:
    """A chunked column as one array."""
    cells = column.combine_chunks()
    return pa.concat_arrays(cells.chunks) if isinstance(cells, pa.ChunkedArray) and cells.chunks else cells


# Images ---------------------------------------------------------------------------------------------


def _write_images(images: ColumnArray) -> Any:
    """Fixed-size binary on the images' own memory, without a copy."""
    pixels = np.ascontiguousarray(images)
    arrow_type = pa.binary(int(np.prod(pixels.shape[1:])))
    return pa.FixedSizeBinaryArray.from_buffers(arrow_type, len(pixels), [None, pa.py_buffer(pixels)])


def _read_images(column: Any, spec: InputColumn) -> ColumnArray:
    assert spec.shape is not None
    size = int(np.prod(spec.shape))
    if column.type != pa.binary(size):
        raise ValueError(f"stored images are {column.type}, not of shape {list(spec.shape)}")
    cells = column.combine_chunks()
    chunks = cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]
    parts = [np.frombuffer(c.buffers()[1], np.uint8)[c.offset * size :][: len(c) * size] for c in chunks]
    return np.concatenate(parts).reshape(-1, *spec.shape) if parts else np.empty((0, *spec.shape), np.uint8)


# Numbers, categories, booleans, times and texts; null where missing -----------------------------------------


def _write_numbers(numbers: ColumnArray) -> Any:
    return pa.array(numbers, pa.float64(), from_pandas=True)  # NaN becomes null


def _read_numbers(column: Any, _: InputColumn) -> ColumnArray:
    return np.asarray(_cast_or_raise(column, pa.float64()).to_numpy())


def _write_categories(texts: ColumnArray) -> Any:
    return pa.array(texts, pa.string())


def _read_categories(column: Any, _: InputColumn) -> ColumnArray:
    return to_shared_objects(_cast_or_raise(column, pa.string()))


def _write_booleans(texts: ColumnArray) -> Any:
    return pa.array(texts, pa.string()).cast(pa.bool_())


def _read_booleans(column: Any, _: InputColumn) -> ColumnArray:
    if not pa.types.is_boolean(column.type):
        raise ValueError(f"stored values are {column.type}, not booleans")
    return np.asarray(column.cast(pa.string()).to_numpy(), dtype=object)


def _write_datetimes(times: ColumnArray) -> Any:
    return pa.array(times, pa.timestamp("us")).cast(_TIME_TYPE)


def _read_datetimes(column: Any, _: InputColumn) -> ColumnArray:
    if column.type != _TIME_TYPE:
        raise ValueError(f"stored values are {column.type}, not times in UTC")
    return np.asarray(column.cast(pa.timestamp("us")).to_numpy())


def _write_texts(texts: ColumnArray) -> Any:
    return pa.array(texts, pa.large_string())  # an array of them may have more than 2 GB


def _read_texts(column: Any, _: InputColumn) -> ColumnArray:
    if not pa.types.is_large_string(column.type):
        raise ValueError(f"stored values are {column.type}, not texts")
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)


def _cast_or_raise(column: Any, arrow_type: Any) -> Any:
    castable_types = (pa.types.is_floating, pa.types.is_integer, pa.types.is_string)
    if not any(test(column.type) for test in castable_types):
        raise ValueError(f"stored values are {column.type}, not {arrow_type}")
    return column.cast(arrow_type)


# Lists ----------------------------------------------------------------------------------------------


def _write_tokens(ids: ColumnArray) -> Any:
    """Lists of the ids alone, without padding."""
    is_token = ids != PADDING
    offsets = np.concatenate([[0], np.cumsum(is_token.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(ids[is_token], pa.int32()))


def _read_tokens(column: Any, spec: InputColumn) -> ColumnArray:
    assert spec.length is not None
    assert spec.vocabulary is not None
    if column.type != pa.list_(pa.int32()):
        raise ValueError(f"stored tokens are {column.type}, not lists of ids")
    ids = np.full((len(column), spec.length), PADDING, np.int32)
    if len(column) == 0:
        return ids
    cells = _to_single_array(column)
    lengths, values = np.asarray(cells.value_lengths()), cells.flatten().to_numpy()
    if lengths.max() > spec.length or values.max(initial=0) >= spec.vocabulary:
        raise ValueError(f"stored tokens are not of length {spec.length}, vocabulary {spec.vocabulary}")
    ids[np.arange(spec.length) < lengths[:, None]] = values
    return ids


def _write_series(values: ColumnArray) -> Any:
    """Flat lists, step after step."""
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), pa.float64())
    return pa.FixedSizeListArray.from_arrays(flat, int(np.prod(values.shape[1:])))


def _read_series(column: Any, spec: InputColumn) -> ColumnArray:
    assert spec.shape is not None
    if column.type != pa.list_(pa.float64(), int(np.prod(spec.shape))):
        raise ValueError(f"stored series are {column.type}, not of shape {list(spec.shape)}")
    if len(column) == 0:
        return np.empty((0, *spec.shape))
    return np.array(_to_single_array(column).flatten().to_numpy()).reshape(
        -1, *spec.shape
    )  # a copy: torch may write


COLUMN_CODECS: Mapping[InputType, ColumnCodec] = MappingProxyType(
    {
        InputType.IMAGE: ColumnCodec(_write_images, _read_images),
        InputType.NUMBER: ColumnCodec(_write_numbers, _read_numbers),
        InputType.CATEGORY: ColumnCodec(_write_categories, _read_categories),
        InputType.TOKENS: ColumnCodec(_write_tokens, _read_tokens),
        InputType.SERIES: ColumnCodec(_write_series, _read_series),
        InputType.BOOLEAN: ColumnCodec(_write_booleans, _read_booleans),
        InputType.DATETIME: ColumnCodec(_write_datetimes, _read_datetimes),
        InputType.TEXT: ColumnCodec(_write_texts, _read_texts),
    }
)
"""The codec of each input type."""
