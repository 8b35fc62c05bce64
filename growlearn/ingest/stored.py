"""How each type of input column is kept in a window's Parquet file: plain values that anything reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from growlearn.domain.schema import Input, InputType

Column = npt.NDArray[Any]

PADDING = -1
"""Stands in a row of token ids for each that the row does not have."""


@dataclass(frozen=True)
class Stored:
    """`write` gives the Arrow array of a column; `read` the column; ValueError for another kind of input."""

    write: Callable[[Column], Any]
    read: Callable[[Any, Input], Column]


def _flat(column: Any) -> Any:
    """A chunked column as one array."""
    cells = column.combine_chunks()
    return pa.concat_arrays(cells.chunks) if isinstance(cells, pa.ChunkedArray) and cells.chunks else cells


# Images ---------------------------------------------------------------------------------------------


def _write_images(images: Column) -> Any:
    """Fixed-size binary over their own memory: nothing is copied."""
    pixels = np.ascontiguousarray(images)
    kind = pa.binary(int(np.prod(pixels.shape[1:])))
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(pixels), [None, pa.py_buffer(pixels)])


def _read_images(column: Any, spec: Input) -> Column:
    assert spec.shape is not None
    size = int(np.prod(spec.shape))
    if column.type != pa.binary(size):
        raise ValueError(f"stored images are {column.type}, not of shape {list(spec.shape)}")
    cells = column.combine_chunks()
    chunks = cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]
    parts = [np.frombuffer(c.buffers()[1], np.uint8)[c.offset * size :][: len(c) * size] for c in chunks]
    return np.concatenate(parts).reshape(-1, *spec.shape) if parts else np.empty((0, *spec.shape), np.uint8)


# Numbers and categories -----------------------------------------------------------------------------


def _write_numbers(numbers: Column) -> Any:
    return pa.array(numbers, pa.float64())


def _read_numbers(column: Any, _: Input) -> Column:
    return np.asarray(_cast(column, pa.float64()).to_numpy())


def _write_categories(texts: Column) -> Any:
    return pa.array(texts, pa.string())


def _read_categories(column: Any, _: Input) -> Column:
    return np.asarray(_cast(column, pa.string()).to_numpy(), dtype=object)


def _cast(column: Any, kind: Any) -> Any:
    plain = (pa.types.is_floating, pa.types.is_integer, pa.types.is_string)
    if not any(test(column.type) for test in plain):
        raise ValueError(f"stored values are {column.type}, not {kind}")
    return column.cast(kind)


# Lists ----------------------------------------------------------------------------------------------


def _write_tokens(ids: Column) -> Any:
    """Lists of the ids alone, without padding."""
    known = ids != PADDING
    offsets = np.concatenate([[0], np.cumsum(known.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(ids[known], pa.int32()))


def _read_tokens(column: Any, spec: Input) -> Column:
    assert spec.length is not None
    assert spec.vocabulary is not None
    if column.type != pa.list_(pa.int32()):
        raise ValueError(f"stored tokens are {column.type}, not lists of ids")
    ids = np.full((len(column), spec.length), PADDING, np.int32)
    if len(column) == 0:
        return ids
    cells = _flat(column)
    lengths, values = np.asarray(cells.value_lengths()), cells.flatten().to_numpy()
    if lengths.max() > spec.length or values.max(initial=0) >= spec.vocabulary:
        raise ValueError(f"stored tokens are not of length {spec.length}, vocabulary {spec.vocabulary}")
    ids[np.arange(spec.length) < lengths[:, None]] = values
    return ids


def _write_series(values: Column) -> Any:
    """Flat lists, step after step."""
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), pa.float64())
    return pa.FixedSizeListArray.from_arrays(flat, int(np.prod(values.shape[1:])))


def _read_series(column: Any, spec: Input) -> Column:
    assert spec.shape is not None
    if column.type != pa.list_(pa.float64(), int(np.prod(spec.shape))):
        raise ValueError(f"stored series are {column.type}, not of shape {list(spec.shape)}")
    if len(column) == 0:
        return np.empty((0, *spec.shape))
    return np.array(_flat(column).flatten().to_numpy()).reshape(-1, *spec.shape)  # a copy: torch may write


STORED: Mapping[InputType, Stored] = MappingProxyType(
    {
        InputType.IMAGE: Stored(_write_images, _read_images),
        InputType.NUMBER: Stored(_write_numbers, _read_numbers),
        InputType.CATEGORY: Stored(_write_categories, _read_categories),
        InputType.TOKENS: Stored(_write_tokens, _read_tokens),
        InputType.SERIES: Stored(_write_series, _read_series),
    }
)
"""The stored form of each type of input."""
