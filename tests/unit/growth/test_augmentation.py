"""Random changes of training images."""

from __future__ import annotations

import pytest
import torch

from growlearn.domain.growth_config import AugmentationName, GrowthConfig
from growlearn.growth.augmentation import (
    AUGMENTATIONS,
    augment_images,
    flip_half,
    make_augmentation_generator,
    resolve_augmentation,
    shift_pixels,
)

IMAGES = torch.arange(64 * 3 * 8 * 8, dtype=torch.float64).remainder(251).to(torch.uint8).view(64, 3, 8, 8)


def generator(epoch: int = 1) -> torch.Generator:
    return make_augmentation_generator(0, epoch)


def test_each_image_is_mirrored_or_left_alone() -> None:
    flipped = flip_half(IMAGES, generator())
    is_mirrored = [torch.equal(after, before.flip(2)) for after, before in zip(flipped, IMAGES, strict=True)]
    is_same = [torch.equal(after, before) for after, before in zip(flipped, IMAGES, strict=True)]
    assert all(mirrored != same for mirrored, same in zip(is_mirrored, is_same, strict=True))
    assert 10 < sum(is_mirrored) < 54  # of 64 with probability 1/2: seven standard deviations


def test_an_image_is_shifted_by_at_most_a_pixel_and_its_border_repeated() -> None:
    image = torch.zeros(200, 1, 8, 8, dtype=torch.uint8)
    image[:, :, 4, 3], image[:, :, 0, 0] = 9, 5
    shifted = shift_pixels(image, generator())
    assert shifted.dtype is torch.uint8
    places = {tuple(torch.nonzero(each[0] == 9)[0].tolist()) for each in shifted}
    assert places == {(4 + down, 3 + right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
    assert max(int((each == 5).sum()) for each in shifted) == 4  # the corner, shifted inwards


def test_a_larger_image_is_shifted_further() -> None:
    image = torch.zeros(300, 1, 56, 4, dtype=torch.uint8)
    image[:, :, 28, 2] = 9
    rows = {int(torch.nonzero(each[0] == 9)[0][0]) for each in shift_pixels(image, generator())}
    assert rows == {26, 27, 28, 29, 30}


def test_augmentation_depends_on_seed_and_epoch_alone() -> None:
    names: list[AugmentationName] = list(AUGMENTATIONS)
    first, again, other = (
        augment_images({"image x": IMAGES}, names, generator(epoch))["image x"] for epoch in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_only_image_columns_change_and_nothing_without_a_generator() -> None:
    inputs = {"image x": IMAGES, "series x": IMAGES.double(), "numbers": IMAGES.double()}
    augmented = augment_images(inputs, ["shift"], generator())
    assert not torch.equal(augmented["image x"], IMAGES)
    assert augmented["series x"] is inputs["series x"]
    assert augmented["numbers"] is inputs["numbers"]
    assert augment_images(inputs, ["shift"], None) is inputs
    assert torch.equal(augment_images(inputs, [], generator())["image x"], IMAGES)


@pytest.mark.parametrize(("given", "names"), [("auto", ()), ("none", ()), (("flip",), ("flip",))])
def test_an_open_choice_is_no_augmentation(given: object, names: tuple[str, ...]) -> None:
    assert resolve_augmentation(GrowthConfig(augmentation=given)) == names  # type: ignore[arg-type]
