"""The signature of an exported model, and example rows for whoever wants to call it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType
from PIL import Image

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Input, InputType
from growlearn.growth.model.network import GrowingNetwork

_ROWS = 2
_ABSTAIN = ParamSpec("min_probability", DataType.double, 0.0)


def signature(manifest: Manifest) -> ModelSignature:
    """Columns in and out; the task column is optional, and without it rows are routed.

    MLflow would refuse whole numbers where it is told of doubles, and numbers where it is told of
    strings; the model itself checks every cell, so numbers and categories may be of any type. Images
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
    """Rows such as the model was trained on: mean numbers, known categories, images of its size."""
    columns: dict[str, list[Any]] = {}
    for name, spec in manifest.schema.inputs.items():
        columns[name] = _example_values(name, spec, network)
    if manifest.schema.task is not None:
        columns[manifest.schema.task] = [manifest.tasks[0].name] * _ROWS
    return pd.DataFrame(columns)


def _example_values(name: str, spec: Input, network: GrowingNetwork) -> list[Any]:
    stem = network.root_stem
    if spec.shape is not None:
        return [_png(spec.shape, row) for row in range(_ROWS)]
    if spec.type is InputType.NUMBER:
        assert stem.numbers is not None
        mean = float(stem.numbers.mean[stem.number_names.index(name)])
        spread = float(stem.numbers.scale[stem.number_names.index(name)])
        return [mean + spread * row for row in range(_ROWS)]
    known = list(stem.categories[stem.category_names.index(name)].index)  # type: ignore[arg-type]
    return [str(known[row % len(known)]) for row in range(_ROWS)]


def _png(shape: tuple[int, int, int], row: int) -> bytes:
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
