"""What the columns of rows become before they enter a graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.graph.inputs import list_inputs
from growlearn.network.model.network import load_network
from growlearn.network.stems.stem import make_stem
from tests.noisy_models import EVERYTHING, MODEL, TABLE, draw, grow


def test_columns_of_a_table_share_a_tensor_and_all_others_have_their_own() -> None:
    inputs = list_inputs(EVERYTHING, [make_stem(EVERYTHING, MODEL, draw(EVERYTHING, 20, 1))])
    assert {tensor.name: (tensor.columns, tensor.dtype, tensor.shape) for tensor in inputs.tensors} == {
        "image_0": (("photo",), torch.uint8, (1, 8, 8)),
        "numbers": (("size", "weight"), torch.float64, (2,)),
        "categories": (("kind",), torch.int64, (1,)),
        "tokens_0": (("words",), torch.int64, (6,)),
        "series_0": (("trace",), torch.float64, (8, 2)),
        "booleans": (("paid",), torch.int64, (1,)),
        "datetimes": (("at", "changed"), torch.int64, (2,)),
    }
    tensors = inputs.encode(draw(EVERYTHING, 5, 2))
    assert {tensor.name: (tensor.dtype, (5, *tensor.shape)) for tensor in inputs.tensors} == {
        name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()
    }


def test_a_value_has_one_code_for_all_stems_and_others_are_told_apart() -> None:
    artifacts = MemoryArtifacts()
    network = load_network(grow(TABLE, {"a": (0, 1), "b": (0, 1)}, artifacts, own_stems=True), artifacts.get)
    inputs = list_inputs(TABLE, [network.stem(name) for name in network.stems])
    assert inputs.codes == {"kind": {"blue": 2, "green": 3, "red": 4}}
    columns = {
        "size": np.array([1.5, np.nan, 0.0, 0.0]),
        "kind": object_column(["red", None, "never seen", "green"]),
        "at": np.array(["1970-01-02", "NaT", "1969-12-31", "1970-01-01"], "datetime64[us]"),
    }
    tensors = inputs.encode(Rows(columns, object_column([None] * 4), None, hash_rows(columns, TABLE)))
    assert tensors["categories"].tolist() == [[4], [1], [0], [3]]
    assert tensors["datetimes"].tolist() == [[86_400_000_000], [-(2**63)], [-86_400_000_000], [0]]
    assert tensors["numbers"].isnan().tolist() == [[False], [True], [False], [False]]


def test_booleans_have_the_same_codes_whatever_was_in_training() -> None:
    schema = Schema(inputs={"paid": InputColumn(type=InputType.BOOLEAN)})
    columns = {"paid": object_column(["true", "true"])}
    rows = Rows(columns, object_column([0, 1]), None, hash_rows(columns, schema))
    assert list_inputs(schema, [make_stem(schema, MODEL, rows)]).codes == {"paid": {"false": 2, "true": 3}}


def test_text_is_refused_with_what_can_read_it() -> None:
    schema = Schema(inputs={"note": InputColumn(type=InputType.TEXT)})
    with pytest.raises(GrowLearnError, match="cannot read the text of column 'note'") as raised:
        list_inputs(schema, [])
    assert "--format mlflow" in str(raised.value.hint)
