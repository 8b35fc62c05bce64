"""Image stems: shapes, and the statistics that normalise a batch."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.network.stems.images import BatchNorm, ConvStem, ImageTokens


def make_images(rows: int, side: int = 12, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (rows, 1, side, side), generator=torch.Generator().manual_seed(seed)).to(
        torch.uint8
    )


def make_tokens(patch: int, side: int = 12) -> ImageTokens:
    torch.manual_seed(0)
    return ImageTokens((1, side, side), ModelConfig(embed_dim=16, num_heads=2, patch_size=patch)).eval()


def norms(module: nn.Module) -> list[BatchNorm]:
    return [layer for layer in module.modules() if isinstance(layer, BatchNorm)]


@pytest.mark.parametrize(("patch", "tokens", "convolutions"), [(1, 144, 1), (2, 36, 3), (4, 9, 5), (8, 4, 7)])
def test_a_stem_has_one_token_a_patch_and_two_convolutions_a_halving(
    patch: int, tokens: int, convolutions: int
) -> None:
    stem = make_tokens(patch)
    stem.fit(make_images(5))
    assert stem(make_images(5)).shape == (5, tokens, 16)
    assert len(norms(stem)) == convolutions


def test_an_untrained_stem_is_normalised_by_the_rows_that_it_was_fitted_to() -> None:
    stem, images = make_tokens(4), make_images(64)
    stem.fit(images)
    tokens = {}

    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        tokens["last"] = output

    norms(stem)[-1].register_forward_hook(keep)
    stem(images)
    channels = tokens["last"].transpose(0, 1).flatten(1)  # [D, B * h * w]
    torch.testing.assert_close(channels.mean(1), torch.zeros(16), atol=0.05, rtol=0)
    torch.testing.assert_close(channels.std(1), torch.ones(16), atol=0.05, rtol=0)


def test_fitting_again_keeps_the_running_statistics_and_moves_the_input_statistics() -> None:
    stem = make_tokens(4)
    stem.fit(make_images(64))
    before = copy.deepcopy(stem.state_dict())
    stem.fit(255 - make_images(64) // 2)
    after = stem.state_dict()
    assert not torch.equal(after["mean"], before["mean"])
    assert all(torch.equal(after[name], before[name]) for name in before if "running" in name)


def test_in_evaluation_mode_nothing_moves_and_a_row_is_answered_by_itself() -> None:
    stem, images = make_tokens(4), make_images(8)
    stem.fit(images)
    before = copy.deepcopy(stem.state_dict())
    together = stem(images)
    torch.testing.assert_close(together[:1], stem(images[:1]))
    assert all(torch.equal(value, before[name]) for name, value in stem.state_dict().items())


@pytest.mark.parametrize("side", [4, 12])
def test_a_training_batch_of_one_image_has_a_gradient_and_moves_no_statistics(side: int) -> None:
    stem = make_tokens(4, side)  # 4 pixels: one token, where a batch of one has no variance
    stem.fit(make_images(16, side))
    before = copy.deepcopy(stem.state_dict())
    stem.train()
    stem(make_images(1, side)).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in stem.state_dict().items())
    assert isinstance(stem.stem, ConvStem)
    assert all(parameter.grad is not None for parameter in stem.stem.parameters())
    stem(make_images(2, side))
    assert not torch.equal(norms(stem)[0].running_mean, before["stem.layers.1.running_mean"])  # type: ignore[arg-type]


def test_a_stem_fitted_to_one_image_still_answers() -> None:
    stem = make_tokens(4, 4)
    stem.fit(make_images(1, 4))
    assert stem(make_images(3, 4)).isfinite().all()
