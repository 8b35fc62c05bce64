from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from growlearn.adapters.avalanche import vectors
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.schema import InputType


def test_each_entry_is_a_number_column_in_its_order() -> None:
    schema = vectors.infer_schema(torch.zeros(2, 11))
    assert list(schema.inputs) == sorted(schema.inputs)
    assert list(schema.inputs)[:2] == ["x00", "x01"]
    assert {column.type for column in schema.inputs.values()} == {InputType.NUMBER}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.int64, torch.bool])
def test_values_keep_every_bit(dtype: torch.dtype) -> None:
    given = (torch.rand(5, 3, dtype=torch.float64) * 2).to(dtype)
    rows = vectors.to_rows(given, vectors.infer_schema(given), [0, 1, 0, 1, 0])
    read = np.stack(list(rows.inputs.values()), axis=1)
    assert read.dtype == np.float64
    assert np.array_equal(read, given.double().numpy())
    assert rows.labels.tolist() == [0, 1, 0, 1, 0]


def test_missing_values_and_negative_zeros_hash_alike() -> None:
    given = torch.tensor([[math.nan, 0.0], [-math.nan, -0.0], [1.0, 0.0]])
    hashes = vectors.to_rows(given, vectors.infer_schema(given)).row_hashes
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("given", [torch.zeros(3, 5), torch.zeros(3), torch.zeros(3, 1, 4)])
def test_another_shape_is_refused(given: torch.Tensor) -> None:
    with pytest.raises(GrowLearnError, match=r"the first experience had \[4\]"):
        vectors.to_rows(given, vectors.infer_schema(torch.zeros(1, 4)))


def test_infinite_numbers_and_empty_vectors_are_refused() -> None:
    with pytest.raises(GrowLearnError, match="infinite numbers"):
        vectors.to_rows(torch.tensor([[math.inf]]), vectors.infer_schema(torch.zeros(1, 1)))
    with pytest.raises(GrowLearnError, match="without numbers"):
        vectors.infer_schema(torch.zeros(3, 0))
