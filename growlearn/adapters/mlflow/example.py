"""The signature of an exported model, and example rows for whoever wants to call it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType
from PIL import Image

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Input, InputType
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.stems.columns import ColumnList
from growlearn.growth.stems.series import SeriesTokens
from growlearn.growth.stems.stem import Stem
from growlearn.growth.stems.tables import CategoryTokens, NumberTokens

_ROWS = 2
_MOST_IDS = 8  # of a row of tokens
_ABSTAIN = ParamSpec("min_probability", DataType.double, 0.0)


def signature(manifest: Manifest) -> ModelSignature:
    """Columns in and out; the task column is optional, and without it rows are routed.

    MLflow would refuse whole numbers where it is told of doubles, and numbers where it is told of
    strings; the model itself checks every cell, so all columns but images may be of any type. Images
    are binary, by which MLflow knows base64 over HTTP.
    """
    columns: list[ColSpec | TensorSpec] = [
        ColSpec("binary" if spec.type is InputType.IMAGE else AnyType(), name)  # type: ignore[no-untyped-call]
        for name, spec in manifest.schema.inputs.items()
    ]
    if manifest.schema.task is not None:
        columns.append(ColSpec("string", manifest.schema.task, required=False))
    labels = [label for task in manifest.tasks for label in task.classes]
    label_type = "string" if any(isinstance(label, str) for label in labels) else "long"
    answers: list[ColSpec | TensorSpec] = [
        ColSpec(label_type, "prediction"),
        ColSpec("double", "probability"),
        ColSpec("string", "task"),
    ]
    return ModelSignature(Schema(columns), Schema(answers), ParamSchema([_ABSTAIN]))


def example_rows(manifest: Manifest, network: GrowingNetwork) -> pd.DataFrame:
    """Rows such as the model was trained on: mean numbers and series, known categories, its image size."""
    columns: dict[str, list[Any]] = {}
    for name, spec in manifest.schema.inputs.items():
        columns[name] = _EXAMPLES[spec.type](name, spec, network.root_stem)
    if manifest.schema.task is not None:
        columns[manifest.schema.task] = [manifest.tasks[0].name] * _ROWS
    return pd.DataFrame(columns)


def _example_images(_: str, spec: Input, __: Stem) -> list[Any]:
    assert spec.shape is not None
    return [_png(spec.shape, row) for row in range(_ROWS)]


def _example_numbers(name: str, _: Input, stem: Stem) -> list[Any]:
    numbers = cast("NumberTokens", stem.columns(InputType.NUMBER))
    at = numbers.names.index(name)
    return [float(numbers.mean[at] + numbers.scale[at] * row) for row in range(_ROWS)]


def _example_categories(name: str, _: Input, stem: Stem) -> list[Any]:
    category = cast("CategoryTokens", _columns(stem, InputType.CATEGORY).of(name))
    known = list(category.index)
    return [known[row % len(known)] for row in range(_ROWS)]


def _example_tokens(_: str, spec: Input, __: Stem) -> list[Any]:
    assert spec.vocabulary is not None
    assert spec.length is not None
    count = min(spec.length, _MOST_IDS)
    return [[(row + place) % spec.vocabulary for place in range(count)] for row in range(_ROWS)]


def _example_series(name: str, spec: Input, stem: Stem) -> list[Any]:
    """The mean of each channel, and one spread above it."""
    assert spec.shape is not None
    series = cast("SeriesTokens", _columns(stem, InputType.SERIES).of(name))
    return [[(series.mean + series.scale * row).tolist()] * spec.shape[0] for row in range(_ROWS)]


def _columns(stem: Stem, kind: InputType) -> ColumnList:
    return cast("ColumnList", stem.columns(kind))


_EXAMPLES: dict[InputType, Callable[[str, Input, Stem], list[Any]]] = {
    InputType.IMAGE: _example_images,
    InputType.NUMBER: _example_numbers,
    InputType.CATEGORY: _example_categories,
    InputType.TOKENS: _example_tokens,
    InputType.SERIES: _example_series,
}
"""Cells of each type of input, as a frame would hold them."""


def _png(shape: tuple[int, ...], row: int) -> bytes:
    """A soft blob, a little lower in each row."""
    channels, height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    centre = height * (row + 1) / (_ROWS + 1)
    blob = np.exp(-((y - centre) ** 2 + (x - width / 2) ** 2) / (2 * (max(height, width) / 6) ** 2))
    pixels = np.round(255 * blob).astype(np.uint8)
    image = Image.fromarray(pixels if channels == 1 else np.stack([pixels] * channels, axis=-1))
    sink = io.BytesIO()
    image.save(sink, "PNG")
    return sink.getvalue()
