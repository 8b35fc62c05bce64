"""Padding is not an id; patches cover every step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.domain.model_config import ModelConfig
from growlearn.network.stems.series import SeriesTokens
from growlearn.network.stems.tokens import IdTokens


@pytest.fixture
def words() -> IdTokens:
    torch.manual_seed(0)
    return IdTokens(vocabulary=20, length=6, width=8).eval()


def ids(*rows: list[int]) -> Tensor:
    return torch.tensor([(row + [-1] * 6)[:6] for row in rows])


def test_a_position_without_a_token_holds_its_position_embedding_alone(words: IdTokens) -> None:
    tokens = words(ids([3, 5, 5], [7]))
    expected = words.embedding.weight[[3, 5, 5]] + words.position[:3]
    assert torch.equal(tokens[0, :3], expected)
    assert torch.equal(tokens[0, 3:], words.position[3:])
    assert torch.equal(tokens[1, 3:], words.position[3:])


def test_padding_is_not_the_first_id(words: IdTokens) -> None:
    assert not torch.equal(words(ids([1])), words(ids([1, 0, 0, 0, 0, 0])))
    words(ids([1])).sum().backward()
    assert words.embedding.weight.grad is not None
    assert torch.count_nonzero(words.embedding.weight.grad.sum(1)) == 1  # padding trains no id


def test_a_row_of_full_length_has_no_padding(words: IdTokens) -> None:
    row = [1, 2, 3, 4, 5, 6]
    assert torch.equal(words(ids(row))[0], words.embedding.weight[row] + words.position)


def test_the_order_of_tokens_matters(words: IdTokens) -> None:
    assert not torch.allclose(words(ids([1, 2])).mean(1), words(ids([2, 1, 1])).mean(1))
    assert not torch.equal(words(ids([1, 2])), words(ids([2, 1])))


def test_in_training_some_ids_are_read_as_padding(words: IdTokens) -> None:
    encoded = torch.full((200, 6), 3)
    is_dropped = (words.train()(encoded) == words.position).all(2)  # [B, T]
    assert 0.3 < is_dropped.float().mean() < 0.5
    kept = words.embedding.weight[3] + words.position  # [T, D]
    assert torch.equal(words.eval()(encoded), kept.expand(200, 6, 8))


def series_of(steps: int, channels: int, patch: int, rows: int = 30) -> tuple[SeriesTokens, Tensor]:
    torch.manual_seed(0)
    values = np.random.default_rng(0).normal([5.0, -300.0, 0.02][:channels], [1.0, 50.0, 0.001][:channels])
    stem = SeriesTokens(
        (steps, channels), ModelConfig(embed_dim=8, num_heads=2, stem="patches", patch_size=patch)
    )
    spread = np.random.default_rng(1).normal(size=(rows, steps, channels))
    encoded = stem.encode(values + spread * [1.0, 50.0, 0.001][:channels])
    stem.fit(encoded)
    return stem, encoded


@pytest.mark.parametrize(("steps", "patch"), [(8, 2), (9, 2), (1, 4), (5, 5), (7, 3), (4, 8)])
def test_every_step_changes_some_token(steps: int, patch: int) -> None:
    stem, encoded = series_of(steps, 2, patch)
    before = stem(encoded)
    assert before.shape == (30, -(-steps // min(patch, steps)) + 1, 8)
    for step in range(steps):
        moved = encoded.clone()
        moved[:, step, 0] += 1.0
        assert not torch.equal(stem(moved), before)


def test_a_series_does_not_depend_on_the_others_of_its_batch() -> None:
    stem, encoded = series_of(8, 3, 2)
    assert torch.allclose(stem(encoded)[:2], stem(encoded[:2]), atol=1e-6)


def test_each_channel_is_standardised_by_itself() -> None:
    stem, encoded = series_of(8, 3, 2)
    standard = (encoded - stem.mean) / stem.scale
    assert torch.allclose(standard.mean((0, 1)), torch.zeros(3, dtype=torch.float64), atol=1e-9)
    assert torch.allclose(standard.std((0, 1), correction=0), torch.ones(3, dtype=torch.float64))
    assert torch.isfinite(stem(encoded * 1e300)).all()
