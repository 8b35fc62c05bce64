"""Features and encoded inputs are the same in memory, on disk, and computed batch by batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from growlearn.growth import feature_cache
from growlearn.growth.feature_cache import cache_frozen_features, encode_inputs
from growlearn.network.model.network import load_network


def test_frozen_features_are_the_same_wherever_they_are_kept(
    builder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    network = load_network(builder.manifest, builder.artifacts.get)
    rows, index = builder.only(2, 3), torch.tensor([5, 0, 17])
    in_memory = cache_frozen_features(network, rows, ("b1",), with_tokens=True)(index)
    monkeypatch.setattr(feature_cache, "_MAX_FEATURES_IN_MEMORY", 0)
    on_disk = cache_frozen_features(network, rows, ("b1",), with_tokens=True)(index)
    monkeypatch.setattr(feature_cache, "_MAX_FEATURES_ON_DISK", 0)
    computed = cache_frozen_features(network, rows, ("b1",), with_tokens=True)(index)
    assert in_memory.z is not None
    assert on_disk.z is not None
    assert computed.z is not None
    assert torch.equal(in_memory.z, on_disk.z)
    assert torch.equal(in_memory.residuals, on_disk.residuals)
    assert torch.allclose(in_memory.z, computed.z, atol=1e-6)
    assert torch.allclose(in_memory.residuals, computed.residuals, atol=1e-5)


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
