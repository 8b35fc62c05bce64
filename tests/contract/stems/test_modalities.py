"""What the stem and the router features of every modality in the table must do."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.types import Schema as MlflowSchema
from torch import Tensor

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.dataset import COLUMN_TYPES
from growlearn.adapters.mlflow.example import make_example_rows
from growlearn.domain.growth import BranchInit
from growlearn.domain.lineage import BranchWeights, Manifest, TaskHead
from growlearn.domain.schema import InputType, Schema
from growlearn.growth.branch_init import init_trainable_parts
from growlearn.ingest.decoders import DECODERS
from growlearn.ingest.parquet_codec import COLUMN_CODECS
from growlearn.ingest.rows import Rows, concat_rows, from_parquet, to_parquet
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.features import fit_router_features, load_router_features
from growlearn.network.stems.modalities import MODALITIES
from growlearn.network.stems.stem import Stem, load_stem, make_stem, training_mode
from growlearn.serving.frame_rows import read_frame_rows
from tests.rows_of_every_type import MODEL, SPECS, N, plan_of, rows_of

TOKENS_PER_COLUMN = {
    InputType.IMAGE: 9,
    InputType.NUMBER: 1,
    InputType.CATEGORY: 1,
    InputType.TOKENS: 7,
    InputType.SERIES: 6,
    InputType.BOOLEAN: 1,
    InputType.DATETIME: 1,
    InputType.TEXT: 4,
}


def stem_of(schema: Schema, rows: Rows) -> Stem:
    torch.manual_seed(0)
    return make_stem(schema, MODEL, rows)


def z_of(stem: Stem, rows: Rows) -> Tensor:
    with torch.no_grad():
        z: Tensor = stem(stem.encode(rows))
    return z


@pytest.fixture(params=[(kind, columns) for kind in InputType for columns in (1, 2)], ids=str)
def schema(request: pytest.FixtureRequest) -> Schema:
    """One column of a type, or two."""
    kind, columns = request.param
    return Schema(inputs={f"a column {row}.": SPECS[kind] for row in range(columns)})


@pytest.fixture
def rows(schema: Schema) -> Rows:
    return rows_of(schema)


def test_every_input_type_is_in_every_table() -> None:
    assert list(MODALITIES) == list(InputType) == list(SPECS)
    assert set(DECODERS) == set(COLUMN_CODECS) == set(InputType)
    assert len({modality.attribute for modality in MODALITIES.values()}) == len(InputType)


def test_the_schema_fixes_the_shape_of_tokens(schema: Schema, rows: Rows) -> None:
    kinds = [spec.type for spec in schema.inputs.values()]
    z = z_of(stem_of(schema, rows), rows)
    assert z.shape == (N, sum(TOKENS_PER_COLUMN[kind] for kind in kinds), 16)
    assert z.dtype == torch.float32
    assert torch.isfinite(z).all()


def test_different_rows_have_different_tokens(schema: Schema, rows: Rows) -> None:
    z = z_of(stem_of(schema, rows), rows)
    for row in range(1, N):
        assert torch.equal(z[0], z[row]) == (rows.row_hashes[0] == rows.row_hashes[row])


def test_the_same_seed_and_rows_make_the_same_stem(schema: Schema, rows: Rows) -> None:
    first, second = stem_of(schema, rows), stem_of(schema, rows)
    assert weights.dump_weights(first.state_dict()) == weights.dump_weights(second.state_dict())
    assert torch.equal(z_of(first, rows), z_of(second, rows))


def test_stored_weights_give_the_same_tokens_to_the_last_bit(schema: Schema, rows: Rows) -> None:
    stem = stem_of(schema, rows)
    attributes = {MODALITIES[spec.type].attribute for spec in schema.inputs.values()}
    assert {name.split(".")[0] for name in stem.state_dict()} == attributes
    again = load_stem(schema, MODEL, weights.load_weights(weights.dump_weights(stem.state_dict())))
    assert weights.dump_weights(again.state_dict()) == weights.dump_weights(stem.state_dict())
    other = rows_of(schema, seed=1)
    assert torch.equal(z_of(again, other), z_of(stem, other))


def test_tokens_on_another_device_are_those_of_the_cpu(
    schema: Schema, rows: Rows, other_device: torch.device
) -> None:
    stem = stem_of(schema, rows)
    expected = z_of(stem, rows)
    assert torch.allclose(z_of(stem.to(other_device), rows).cpu(), expected, atol=1e-5)
    with training_mode(stem):
        assert stem(stem.encode(rows)).device == other_device


def test_a_row_s_tokens_do_not_depend_on_other_rows(schema: Schema, rows: Rows) -> None:
    stem = stem_of(schema, rows)
    whole = z_of(stem, rows)
    alone = torch.cat([z_of(stem, rows.take(np.array([row]))) for row in range(N)])
    assert torch.allclose(whole, alone, atol=1e-5)
    turned = z_of(stem, rows.take(np.arange(N)[::-1])).flip(0)
    assert torch.allclose(whole, turned, atol=1e-5)


def test_stored_rows_have_the_same_tokens(schema: Schema, rows: Rows) -> None:
    stem = stem_of(schema, rows)
    assert torch.equal(z_of(stem, from_parquet(to_parquet(rows, schema), schema)), z_of(stem, rows))


def test_encoding_and_inference_change_neither_rows_nor_weights(schema: Schema, rows: Rows) -> None:
    stem, untouched = stem_of(schema, rows), rows_of(schema)
    before = weights.dump_weights(stem.state_dict())
    encoded = stem.encode(rows)
    for tensor in encoded.values():
        tensor.zero_()
    z_of(stem, rows)
    assert weights.dump_weights(stem.state_dict()) == before
    for name, column in rows.inputs.items():
        np.testing.assert_array_equal(column, untouched.inputs[name])  # NaN and NaT equal themselves here


def test_a_stem_can_be_fitted_to_a_single_row_and_to_constant_rows(schema: Schema, rows: Rows) -> None:
    for some in (rows.take(np.array([3])), rows.take(np.full(9, 3))):
        assert torch.isfinite(z_of(stem_of(schema, some), rows)).all()


def test_every_parameter_gets_a_gradient(schema: Schema, rows: Rows) -> None:
    stem = stem_of(schema, rows)
    stem(stem.encode(rows)).square().sum().backward()
    for name, parameter in stem.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


# In the network ------------------------------------------------------------------------------------


def first_model(schema: Schema, rows: Rows, artifacts: MemoryArtifacts) -> Manifest:
    """One branch, untrained, with a head of its own."""
    base = Manifest(stream="s", schema=schema, model=MODEL, branches=(), tasks=())
    network = GrowingNetwork(MODEL)
    trainable = init_trainable_parts(plan_of(base, 1, BranchInit.SCRATCH), network, rows)
    network.add_branch("b1", trainable.branches[0], "b1", trainable.stem)
    entry = BranchWeights(id="b1", parent=None, stem="b1", sha256=artifacts.put(network.dump_branch("b1")))
    head = artifacts.put(weights.dump_weights(trainable.head.state_dict()))
    task = TaskHead(name="task-1", classes=(0, 1), lineage=("b1",), sha256=head)
    return replace(base, branches=(entry,), tasks=(task,))


@pytest.mark.parametrize("init", [BranchInit.RESIDUAL, BranchInit.WARM_START])
def test_an_untrained_branch_has_its_parent_s_logits(schema: Schema, rows: Rows, init: BranchInit) -> None:
    artifacts = MemoryArtifacts()
    manifest = first_model(schema, rows, artifacts)
    network = load_network(manifest, artifacts.get)
    before = network.logits(rows, "task-1")
    plan = plan_of(manifest, 2, init)
    trainable = init_trainable_parts(plan, network, rows)
    network.add_branch("b2", trainable.branches[0], "b2" if trainable.stem else "b1", trainable.stem)
    network.add_task("task-2", (0, 1), (*plan.lineage, "b2"), trainable.head)
    assert np.array_equal(network.logits(rows, "task-2"), before)
    assert np.array_equal(network.logits(rows, "task-1"), before)


def test_a_copied_stem_normalises_by_its_own_window_without_changing_the_first(
    schema: Schema, rows: Rows
) -> None:
    stem = stem_of(schema, rows)
    before = weights.dump_weights(stem.state_dict())
    copied = load_stem(schema, MODEL, stem.state_dict())
    copied.fit(copied.encode(rows_of(schema, seed=2)))
    assert weights.dump_weights(stem.state_dict()) == before
    kept = ("vocabulary", "fitted", "running_mean", "running_var", "num_batches_tracked")
    fitted = {name for name, _ in stem.named_buffers() if not name.endswith(kept)}
    changed = {
        name for name, value in copied.state_dict().items() if not torch.equal(value, stem.state_dict()[name])
    }
    assert changed == fitted


def test_an_exported_model_can_read_its_own_example(schema: Schema, rows: Rows) -> None:
    artifacts = MemoryArtifacts()
    manifest = first_model(schema, rows, artifacts)
    network = load_network(manifest, artifacts.get)
    read_rows = read_frame_rows(make_example_rows(manifest, network), manifest)
    assert len(read_rows) == 2
    assert np.isfinite(network.logits(read_rows, "task-1")).all()


def test_a_frame_may_hold_series_and_images_as_arrays(schema: Schema, rows: Rows) -> None:
    (kind,) = {spec.type for spec in schema.inputs.values()}
    manifest = Manifest(stream="s", schema=schema, model=MODEL, branches=(), tasks=())
    columns = {name: list(column) for name, column in rows.inputs.items()}
    if kind is InputType.TOKENS:
        columns = {name: [row[row >= 0] for row in column] for name, column in columns.items()}
    read_rows = read_frame_rows(pd.DataFrame(columns), manifest)
    assert np.array_equal(read_rows.row_hashes, rows.row_hashes)


def test_mlflow_reads_the_declared_type(schema: Schema) -> None:
    (kind,) = {spec.type for spec in schema.inputs.values()}
    (column,) = MlflowSchema.from_json(json.dumps([{"name": "x"} | COLUMN_TYPES[kind]])).inputs
    assert column.name == "x"


# In the router -------------------------------------------------------------------------------------


def test_stored_router_features_are_equal(schema: Schema, rows: Rows) -> None:
    stem = stem_of(schema, rows)
    features = fit_router_features(schema, stem, rows, seed=3)
    assert not list(features.parameters())
    other = rows_of(schema, seed=1)
    with torch.no_grad():
        h = features(stem, other)
        again = load_router_features(
            schema, weights.load_weights(weights.dump_weights(features.state_dict()))
        )
        assert torch.equal(again(stem, other), h)
        alone = torch.cat([features(stem, other.take(np.array([row]))) for row in range(5)])
    assert h.shape == (N, features.size)
    assert torch.isfinite(h).all()
    assert torch.allclose(h[:5], alone, atol=1e-4)
    assert len(torch.unique(h, dim=0)) == len(set(other.row_hashes.tolist()))


def test_router_features_can_be_fitted_to_a_single_row(schema: Schema, rows: Rows) -> None:
    one = rows.take(np.array([0]))
    stem = stem_of(schema, one)
    features = fit_router_features(schema, stem, one, seed=3)
    with torch.no_grad():
        assert torch.isfinite(features(stem, concat_rows([one, rows_of(schema, seed=1)]))).all()
