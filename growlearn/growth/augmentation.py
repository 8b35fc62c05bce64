"""Random changes of training images that leave their class as it is; applied where the stem is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from growlearn.domain.growth_config import AugmentationName, GrowthConfig
from growlearn.domain.schema import InputType
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.transfer import to_device

_SHIFT_FRACTION = 1 / 28  # of each side, at most in each direction; one pixel at least
_IMAGE_PREFIX = f"{InputType.IMAGE} "  # of the encoded names of image columns


def augment_images(
    inputs: EncodedInputs, names: Sequence[AugmentationName], generator: torch.Generator | None
) -> EncodedInputs:
    """Encoded inputs of B rows with the image columns changed at random, each row by itself.

    Without a generator nothing is changed, nor are columns of other types.
    """
    if generator is None:
        return inputs
    images = [encoded_name for encoded_name in inputs if encoded_name.startswith(_IMAGE_PREFIX)]
    augmented = dict(inputs)
    for encoded_name in images:
        for name in names:
            augmented[encoded_name] = AUGMENTATIONS[name](augmented[encoded_name], generator)
    return augmented


def resolve_augmentation(config: GrowthConfig) -> tuple[AugmentationName, ...]:
    """The augmentations of a training; none where the job says `auto` and nothing has been chosen."""
    return () if isinstance(config.augmentation, str) else config.augmentation


def make_augmentation_generator(seed: int, epoch: int) -> torch.Generator:
    """A generator for the augmentations of one epoch, by seed and epoch alone.

    It draws on the CPU, so that images are changed alike on every device.
    """
    return torch.Generator().manual_seed(seed * 1013 + epoch)


def flip_half(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability 1/2: [B, C, H, W] -> the same shape."""
    is_flipped = to_device(torch.rand(len(images), generator=generator) < 0.5, images.device)  # [B]
    return torch.where(is_flipped[:, None, None, None], images.flip(3), images)


def shift_pixels(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each image by up to 1/28 of its sides, at least a pixel: [B, C, H, W] -> the same shape.

    Every shift has the same probability; the pixels at the border are repeated.
    """
    count, _, height, width = images.shape
    rows = to_device(_shifted_positions(count, height, generator), images.device)  # [B, H]
    columns = to_device(_shifted_positions(count, width, generator), images.device)  # [B, W]
    image = torch.arange(count, device=images.device)  # [B]
    shifted = images.permute(0, 2, 3, 1)[
        image[:, None, None], rows[:, :, None], columns[:, None, :]
    ]  # [B, H, W, C]
    return shifted.permute(0, 3, 1, 2)


def _shifted_positions(count: int, side: int, generator: torch.Generator) -> Tensor:
    """For each of B images the pixel that each place takes its value from, [B, side]."""
    most = max(1, round(side * _SHIFT_FRACTION))
    offsets = torch.randint(-most, most + 1, (count, 1), generator=generator)
    return (torch.arange(side) + offsets).clamp(0, side - 1)


AUGMENTATIONS: Mapping[AugmentationName, Callable[[Tensor, torch.Generator], Tensor]] = MappingProxyType(
    {"flip": flip_half, "shift": shift_pixels}
)
"""Augmentations by the name a job file gives them, in the order in which they are applied."""
