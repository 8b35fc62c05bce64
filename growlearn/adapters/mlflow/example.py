"""The signature of an exported model, and example rows for calling it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType
from PIL import Image

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import InputColumn, InputType
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.stems.columns import ColumnList
from growlearn.network.stems.datetimes import DatetimeTokens
from growlearn.network.stems.series import SeriesTokens
from growlearn.network.stems.stem import Stem
from growlearn.network.stems.tables import CategoryTokens, NumberTokens

_NUM_ROWS = 2
_MAX_TOKENS = 8  # of a row of tokens
_TEXTS = ("The first of two example texts.", "Another text, with a number: 42.")
_PARAMS = (
    ParamSpec("min_probability", DataType.double, 0.0),
    ParamSpec("proba", DataType.boolean, False),  # adds a column probability_CLASS for each class
)


def make_signature(manifest: Manifest) -> ModelSignature:
    """Columns in and out; the task column is optional, and without it rows are routed.

    MLflow would reject integers in a column declared as double, and numbers in one declared as string;
    the model itself checks every cell, so all columns but images may be of any type. Images are binary,
    so that MLflow decodes base64 over HTTP.
    """
    columns: list[ColSpec | TensorSpec] = [
        ColSpec("binary" if spec.type is InputType.IMAGE else AnyType(), name)  # type: ignore[no-untyped-call]
        for name, spec in manifest.schema.inputs.items()
    ]
    if manifest.schema.task is not None:
        columns.append(ColSpec(AnyType(), manifest.schema.task, required=False))  # type: ignore[no-untyped-call]
    labels = [label for task in manifest.tasks for label in task.classes]
    label_type = "string" if any(isinstance(label, str) for label in labels) else "long"
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(label_type, "prediction"),
        ColSpec("double", "probability"),
        ColSpec("string", "task"),
    ]
    return ModelSignature(Schema(columns), Schema(outputs), ParamSchema(list(_PARAMS)))


def make_example_rows(manifest: Manifest, network: GrowingNetwork) -> pd.DataFrame:
    """Rows like the training rows: mean numbers and series, known categories, the image size, any text."""
    columns: dict[str, list[Any]] = {}
    for name, spec in manifest.schema.inputs.items():
        columns[name] = _EXAMPLE_MAKERS[spec.type](name, spec, network.root_stem)
    if manifest.schema.task is not None:
        columns[manifest.schema.task] = [manifest.tasks[0].name] * _NUM_ROWS
    return pd.DataFrame(columns)


def _make_example_images(_: str, spec: InputColumn, __: Stem) -> list[Any]:
    assert spec.shape is not None
    return [_make_example_png(spec.shape, row) for row in range(_NUM_ROWS)]


def _make_example_numbers(name: str, _: InputColumn, stem: Stem) -> list[Any]:
    numbers = cast("NumberTokens", stem.columns(InputType.NUMBER))
    index = numbers.names.index(name)
    return [float(numbers.mean[index] + numbers.scale[index] * row) for row in range(_NUM_ROWS)]


def _make_example_categories(name: str, _: InputColumn, stem: Stem) -> list[Any]:
    category = cast("CategoryTokens", _get_columns(stem, InputType.CATEGORY).get_column(name))
    known = list(category.index)  # None, a missing value, is the last
    return [known[row % max(len(known) - 1, 1)] for row in range(_NUM_ROWS)]


def _make_example_tokens(_: str, spec: InputColumn, __: Stem) -> list[Any]:
    assert spec.vocabulary is not None
    assert spec.length is not None
    count = min(spec.length, _MAX_TOKENS)
    return [[(row + position) % spec.vocabulary for position in range(count)] for row in range(_NUM_ROWS)]


def _make_example_series(name: str, spec: InputColumn, stem: Stem) -> list[Any]:
    """The mean of each channel, and one standard deviation above it."""
    assert spec.shape is not None
    series = cast("SeriesTokens", _get_columns(stem, InputType.SERIES).get_column(name))
    return [[(series.mean + series.scale * row).tolist()] * spec.shape[0] for row in range(_NUM_ROWS)]


def _make_example_booleans(_: str, __: InputColumn, ___: Stem) -> list[Any]:
    return [row % 2 == 0 for row in range(_NUM_ROWS)]


def _make_example_datetimes(name: str, _: InputColumn, stem: Stem) -> list[Any]:
    """The newest time of the training rows, as text, and the same time a day earlier."""
    datetimes = cast("DatetimeTokens", stem.columns(InputType.DATETIME))
    newest = datetimes.numbers.edges[datetimes.names.index(name), -1].item()
    times = [datetime.fromtimestamp(round(newest), UTC) - timedelta(days=row) for row in range(_NUM_ROWS)]
    return [time.isoformat() for time in times]


def _make_example_texts(_: str, __: InputColumn, ___: Stem) -> list[Any]:
    return list(_TEXTS)


def _get_columns(stem: Stem, kind: InputType) -> ColumnList:
    return cast("ColumnList", stem.columns(kind))


_EXAMPLE_MAKERS: dict[InputType, Callable[[str, InputColumn, Stem], list[Any]]] = {
    InputType.IMAGE: _make_example_images,
    InputType.NUMBER: _make_example_numbers,
    InputType.CATEGORY: _make_example_categories,
    InputType.TOKENS: _make_example_tokens,
    InputType.SERIES: _make_example_series,
    InputType.BOOLEAN: _make_example_booleans,
    InputType.DATETIME: _make_example_datetimes,
    InputType.TEXT: _make_example_texts,
}
"""Example cells of each type of input, as a DataFrame holds them."""


def _make_example_png(shape: tuple[int, ...], row: int) -> bytes:
    """A soft blob, a little lower in each row."""
    channels, height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    centre = height * (row + 1) / (_NUM_ROWS + 1)
    blob = np.exp(-((y - centre) ** 2 + (x - width / 2) ** 2) / (2 * (max(height, width) / 6) ** 2))
    pixels = np.round(255 * blob).astype(np.uint8)
    image = Image.fromarray(pixels if channels == 1 else np.stack([pixels] * channels, axis=-1))
    sink = io.BytesIO()
    image.save(sink, "PNG")
    return sink.getvalue()
