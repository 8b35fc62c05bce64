"""Rows as the table of a source file, which reads back as the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from growlearn.domain.schema import MAX_PIXEL, InputType, Schema
from growlearn.ingest.parquet_codec import COLUMN_CODECS
from growlearn.ingest.rows import Column, Rows, to_label_array


def to_source_table(rows: Rows, schema: Schema) -> Any:
    """The rows as a table with the schema's columns; the label column is there too where no label is known.

    Unlike a stored window it has its images as lists of pixels, as bytes would be those of an image file;
    they are fractions where the schema says that 1 is white.
    """
    columns: dict[str, Any] = {}
    for name, spec in schema.inputs.items():
        column = rows.inputs[name]
        is_image = spec.type is InputType.IMAGE
        columns[name] = (
            _to_pixel_lists(column, spec.pixel_max) if is_image else COLUMN_CODECS[spec.type].write(column)
        )
    columns[schema.label] = to_label_array(rows.labels)
    if schema.task is not None and rows.tasks is not None:
        columns[schema.task] = pa.array(rows.tasks, pa.string())
    if schema.id_column is not None and rows.row_ids is not None:
        columns[schema.id_column] = pa.array(rows.row_ids, pa.string())
    return pa.table(columns)


def _to_pixel_lists(images: Column, pixel_max: int | None) -> Any:
    levels = np.ascontiguousarray(images).reshape(-1)
    pixels = pa.array(levels.astype(np.float32) / MAX_PIXEL if pixel_max == 1 else levels)
    return pa.FixedSizeListArray.from_arrays(pixels, int(np.prod(images.shape[1:])))
