from __future__ import annotations

import pytest
import torch

from growlearn.adapters.avalanche.pixels import IMAGE_COLUMN, PixelQuantizer
from growlearn.domain.errors import GrowLearnError


def levels(images: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    pixels = PixelQuantizer()
    schema = pixels.fit(first)
    return torch.from_numpy(pixels.to_rows(images, schema).inputs[IMAGE_COLUMN])


def test_nothing_is_lost_of_images_between_0_and_1() -> None:
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(levels(grey.float() / 255, grey.float() / 255), grey)
    assert torch.equal(levels(grey, grey), grey)


def test_values_beyond_the_first_range_are_clipped() -> None:
    first = torch.tensor([-1.0, 1.0]).reshape(1, 1, 1, 2)
    assert levels(first * 3, first).flatten().tolist() == [0, 255]


def test_images_without_a_channel_have_one() -> None:
    assert levels(torch.rand(5, 8, 8), torch.rand(5, 8, 8)).shape == (5, 1, 8, 8)


@pytest.mark.parametrize("shape", [(5, 64), (5, 2, 8, 8)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(GrowLearnError, match="shape"):
        PixelQuantizer().fit(torch.rand(shape))


def test_another_size_is_refused() -> None:
    pixels = PixelQuantizer()
    schema = pixels.fit(torch.rand(5, 1, 8, 8))
    with pytest.raises(GrowLearnError, match=r"\[1, 9, 9\]; the first experience had \[1, 8, 8\]"):
        pixels.to_rows(torch.rand(5, 1, 9, 9), schema)
