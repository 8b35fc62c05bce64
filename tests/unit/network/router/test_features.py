"""The router's features of token ids and of series."""

from __future__ import annotations

import pytest
import torch

from growlearn.network.router.rocket import RocketFeatures
from growlearn.network.router.tfidf import TfidfFeatures


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def fit_tfidf(vocabulary: int, buckets: int) -> TfidfFeatures:
    features = TfidfFeatures(vocabulary, buckets)
    features.fit(torch.tensor([[0, 1, 2, -1], [0, 1, -1, -1], [0, 3, -1, -1]]), generator())
    return features


def test_tf_idf_reads_counts_but_neither_order_nor_padding() -> None:
    features = fit_tfidf(5, 5)
    one = features(torch.tensor([[2, 4, 4, -1]]))
    assert torch.allclose(one, features(torch.tensor([[4, 2, 4]])))
    assert one[0, 4] > one[0, 2] > 0
    assert torch.count_nonzero(one) == 2
    assert one.norm() == pytest.approx(1.0)


def test_rare_tokens_have_more_weight() -> None:
    rarity = fit_tfidf(5, 5).rarity
    assert rarity[4] > rarity[3] == rarity[2] > rarity[1] > rarity[0]


def test_more_ids_than_buckets_are_hashed_evenly() -> None:
    features = TfidfFeatures(10_000_000, 64)
    h = features(torch.arange(0, 10_000_000, 1000)[None])
    assert torch.count_nonzero(h) == 64
    assert h.max() / h.min() < 1.2


def test_a_row_without_tokens_has_no_features_and_no_nan() -> None:
    assert torch.count_nonzero(fit_tfidf(5, 5)(torch.tensor([[-1, -1]]))) == 0


@pytest.mark.parametrize(("steps", "channels"), [(1, 1), (3, 2), (64, 1), (200, 600)])
def test_kernels_fit_any_size_of_series(steps: int, channels: int) -> None:
    torch.manual_seed(0)
    values = torch.randn(12, steps, channels, dtype=torch.float64)
    features = RocketFeatures(steps, channels, 8)
    features.fit(values, generator())
    h = features(values)
    assert h.shape == (12, features.size)
    assert torch.isfinite(h).all()


def test_kernels_separate_slow_from_fast_waves_of_any_phase() -> None:
    time = torch.arange(64, dtype=torch.float64)
    phases = torch.rand(60, 1, generator=generator(), dtype=torch.float64) * 6.3
    waves = torch.cat([torch.sin(time * 0.2 + phases[:30]), torch.sin(time * 1.5 + phases[30:])])[..., None]
    features = RocketFeatures(64, 1, 32)
    features.fit(waves, generator())
    h = features(waves)
    fractions = h[:, -32:]  # of each kernel's responses
    gap = (fractions[:30].mean(0) - fractions[30:].mean(0)).abs() / fractions.std(0)
    assert gap.max() > 1.5
