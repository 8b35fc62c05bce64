"""Features and encoded inputs are the same in memory, on disk, and computed batch by batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from growlearn.growth import feature_cache
from growlearn.growth.feature_cache import cache_frozen_features, encode_inputs
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import load_network
from growlearn.network.stems.columns import EncodedInputs


def test_frozen_features_are_the_same_wherever_they_are_kept(
    builder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    network = load_network(builder.manifest, builder.artifacts.get)
    rows, index = builder.only(2, 3), torch.tensor([5, 0, 17])
    in_memory = cache_frozen_features(network, rows, ("b1",), tokens_kept="all").at(index)
    monkeypatch.setattr(feature_cache, "_MAX_FEATURES_IN_MEMORY", 0)
    on_disk = cache_frozen_features(network, rows, ("b1",), tokens_kept="all").at(index)
    monkeypatch.setattr(feature_cache, "_MAX_FEATURES_ON_DISK", 0)
    computed = cache_frozen_features(network, rows, ("b1",), tokens_kept="all").at(index)
    assert in_memory.z is not None
    assert on_disk.z is not None
    assert computed.z is not None
    assert torch.equal(in_memory.z, on_disk.z)
    assert torch.equal(in_memory.residuals, on_disk.residuals)
    assert torch.allclose(in_memory.z, computed.z, atol=1e-6)
    assert torch.allclose(in_memory.residuals, computed.residuals, atol=1e-5)


def test_the_frozen_answer_reads_features_of_the_same_pass(
    builder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.keep(builder.plan(builder.only(2, 3), "task-1"))
    network, rows = load_network(builder.manifest, builder.artifacts.get), builder.only(4, 5)
    expected = torch.from_numpy(network.pooled_features(rows, ("b1", "b2")))
    alone = cache_frozen_features(network, rows, ("b1",), tokens_kept="all").at(torch.arange(len(rows)))
    encoded: list[int] = []
    encode = network.root_stem.encode

    def count(batch: Rows) -> EncodedInputs:
        encoded.append(len(batch))
        return encode(batch)

    monkeypatch.setattr(network.root_stem, "encode", count)
    cache = cache_frozen_features(network, rows, ("b1",), tokens_kept="all", answer_lineage=("b1", "b2"))
    assert encoded[0] == 1  # one row for its size, then each row once
    assert sum(encoded[1:]) == len(rows)
    assert cache.answer is not None
    assert torch.equal(cache.answer, expected)
    together = cache.at(torch.arange(len(rows)))
    assert alone.z is not None
    assert together.z is not None
    assert torch.equal(together.z, alone.z)
    assert torch.equal(together.residuals, alone.residuals)
    monkeypatch.setattr(feature_cache, "_MAX_FEATURES_ON_DISK", 0)
    by_batch = cache_frozen_features(network, rows, ("b1",), tokens_kept="all", answer_lineage=("b1", "b2"))
    assert by_batch.answer is not None
    assert torch.equal(by_batch.answer, expected)


def test_the_mean_of_the_tokens_is_all_that_a_head_alone_reads(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    network, rows = load_network(builder.manifest, builder.artifacts.get), builder.only(2, 3)
    index = torch.tensor([5, 0, 17])
    whole = cache_frozen_features(network, rows, ("b1",), tokens_kept="all").at(index)
    mean = cache_frozen_features(network, rows, ("b1",), tokens_kept="mean").at(index)
    assert whole.z is not None
    assert mean.z is not None
    assert mean.z.shape == (3, 1, whole.z.shape[2])
    assert torch.equal(mean.z.mean(1), whole.z.mean(1))
    assert torch.equal(mean.residuals, whole.residuals)


def test_training_from_rows_that_are_encoded_batch_by_batch_gives_the_same_bits(
    builder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = builder.plan(builder.only(0, 1))
    whole = builder.grow(plan)
    monkeypatch.setattr(feature_cache, "_MAX_ENCODED_BYTES", 0)
    by_batch = builder.grow(replace(plan, window="w9"))
    assert (by_batch.branches, by_batch.head) == (whole.branches, whole.head)


def test_inputs_are_encoded_once_where_they_are_few(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    network, rows = load_network(builder.manifest, builder.artifacts.get), builder.only(2)
    encoded = encode_inputs(network.root_stem, rows)
    index = torch.tensor([3, 1])
    expected = network.root_stem.encode(rows.take(index.numpy()))
    assert all(torch.equal(tensor, expected[name]) for name, tensor in encoded(index).items())
