"""Rows as a script has them -> a table as a file would hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from growlearn.domain.errors import GrowLearnError
from growlearn.serving.frame_rows import to_arrow_table

if TYPE_CHECKING:
    from growlearn.domain.schema import Schema

Features: TypeAlias = "pd.DataFrame | pa.Table | Mapping[str, Any] | npt.NDArray[Any]"
"""A table, columns by name, numbers [N, D], or images uint8 [N, H, W] or [N, H, W, C]."""

Labels: TypeAlias = "Sequence[Any] | npt.NDArray[Any] | pd.Series[Any]"
"""One a row, None where it is not known."""

IMAGE_COLUMN = "image"
_IMAGE_NDIM = (3, 4)
_CHANNELS = (1, 3)


def to_table(features: Features, schema: Schema | None = None) -> pa.Table:
    """Features as a table; columns of an array are named x0, x1, ..., images `image`.

    Raises GrowLearnError where they cannot be read, or there are no rows.
    """
    if isinstance(features, np.ndarray):
        features = _array_to_table(features)
    if not isinstance(features, pa.Table):
        features = to_arrow_table(_to_frame(features), schema)
    if features.num_rows == 0:
        raise GrowLearnError("there are no rows", hint="give at least one")
    return features


def _to_frame(columns: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    try:
        return pd.DataFrame(columns)
    except ValueError as error:
        raise GrowLearnError(
            f"the columns cannot be read: {error}", hint="give lists of equal length by name"
        ) from error


def find_image_shape(features: Features) -> tuple[int, int, int] | None:
    """(channels, height, width) of images [N, H, W] or [N, H, W, C]; None of anything else."""
    if not isinstance(features, np.ndarray) or features.ndim not in _IMAGE_NDIM:
        return None
    height, width = features.shape[1:3]
    return (features.shape[3] if features.ndim == _IMAGE_NDIM[1] else 1), height, width


def append_column(table: pa.Table, name: str, values: Labels) -> pa.Table:
    """The table with a column more; raises GrowLearnError where that has not one value a row."""
    if len(values) != table.num_rows:
        raise GrowLearnError(
            f"there are {table.num_rows} rows, and {len(values)} values of {name}",
            hint="give one value a row; None where a label is not known yet",
        )
    try:
        column = pa.array(values.tolist() if hasattr(values, "tolist") else list(values))
    except pa.ArrowException as error:
        raise GrowLearnError(
            f"the values of {name} cannot be read: {error}", hint="give all of them one type"
        ) from error
    return table.append_column(name, column)


def _array_to_table(array: npt.NDArray[Any]) -> pa.Table:
    if array.ndim == 2:
        return pa.table({f"x{index}": pa.array(column) for index, column in enumerate(array.T)})
    shape = find_image_shape(array)
    if shape is None or array.dtype != np.uint8 or shape[0] not in _CHANNELS:
        raise GrowLearnError(
            f"an array of {array.dtype} of shape {list(array.shape)} is neither a table nor images",
            hint="give numbers [N, D], images uint8 [N, H, W] or [N, H, W, 3], or columns by name",
        )
    channels, height, width = shape
    pixels = array.reshape(len(array), height, width, channels).transpose(0, 3, 1, 2)  # [N, C, H, W]
    flat = pa.array(np.ascontiguousarray(pixels).reshape(-1))
    return pa.table({IMAGE_COLUMN: pa.FixedSizeListArray.from_arrays(flat, channels * height * width)})
