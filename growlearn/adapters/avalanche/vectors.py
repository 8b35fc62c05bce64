"""Vectors of Avalanche's data sets -> rows of number columns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column


def infer_schema(vectors: Tensor) -> Schema:
    """One number column for each entry of vectors [N, F]: x0, x1, ...

    The names have as many digits as the last one needs, so that sorting them keeps the order. Raises
    GrowLearnError for vectors without entries.
    """
    size = vectors.shape[1]
    if size == 0:
        raise GrowLearnError("vectors without numbers cannot be read", hint="give vectors [N, F] with F > 0")
    digits = len(str(size - 1))
    return Schema(inputs={f"x{i:0{digits}d}": InputColumn(type=InputType.NUMBER) for i in range(size)})


def to_rows(vectors: Tensor, schema: Schema, labels: Sequence[Label | None] | None = None) -> Rows:
    """Vectors [N, F] as rows; NaN is a missing value, float64 keeps every bit.

    Raises GrowLearnError for another F, and for infinite numbers, which have no quantile.
    """
    if vectors.ndim != 2 or vectors.shape[1] != len(schema.inputs):
        raise GrowLearnError(
            f"inputs of shape {list(vectors.shape[1:])}; the first experience had [{len(schema.inputs)}]",
            hint="bring all inputs to one size",
        )
    if torch.isinf(vectors).any():
        raise GrowLearnError(
            "vectors have infinite numbers", hint="replace them, by NaN where they are unknown"
        )
    values = vectors.detach().cpu().double().numpy() + 0.0  # -0.0 becomes 0.0, so that equal rows hash alike
    inputs = {name: values[:, index].copy() for index, name in enumerate(schema.inputs)}
    row_labels = [None] * len(values) if labels is None else labels
    return Rows(inputs, object_column(row_labels), None, hash_rows(inputs, schema))
