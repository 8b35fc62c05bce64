"""Rows drawn to ask a graph have every kind of value that a schema allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from growlearn.domain.schema import Schema
from growlearn.ingest.rows import from_parquet, to_parquet
from growlearn.network.graph.inputs import list_inputs
from growlearn.network.graph.random_rows import draw_rows
from growlearn.network.stems.stem import make_stem
from tests.noisy_models import COLUMNS, EVERYTHING, MODEL, draw


def test_values_are_known_unknown_and_missing_and_can_be_stored() -> None:
    stem = make_stem(EVERYTHING, MODEL, draw(EVERYTHING, 30, 1))
    inputs = list_inputs(EVERYTHING, [stem])
    rows = draw_rows(EVERYTHING, stem, inputs, 200, seed=0)
    tensors = inputs.encode(rows)
    assert set(tensors["categories"].flatten().tolist()) == {0, 1, 2, 3}
    assert set(tensors["booleans"].flatten().tolist()) == {1, 2, 3}
    for name in ("size", "at"):
        assert 5 < (rows.inputs[name] != rows.inputs[name]).sum() < 60
    again = from_parquet(to_parquet(rows, EVERYTHING), EVERYTHING)
    assert np.array_equal(again.row_hashes, rows.row_hashes)


def test_required_values_are_never_missing() -> None:
    schema = Schema(inputs={"kind": replace(COLUMNS["kind"], required=True), "size": COLUMNS["size"]})
    stem = make_stem(schema, MODEL, draw(schema, 30, 1))
    rows = draw_rows(schema, stem, list_inputs(schema, [stem]), 100, seed=0)
    assert None not in rows.inputs["kind"]
