"""Image stems: plain patches, and overlapping convolutions (more accurate; docs/adr/0003)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.rows import Column
from growlearn.network.stems.columns import ColumnList, InitSource


class PatchStem(nn.Module):
    """One linear map of each patch x patch square, as in ViT (Dosovitskiy et al. 2021).

    [B, C, H, W] float -> [B, ceil(H / patch) * ceil(W / patch), D].
    """

    def __init__(self, channels: int, config: ModelConfig) -> None:
        super().__init__()
        self.patch = config.patch_size
        self.project = nn.Conv2d(channels, config.embed_dim, config.patch_size, stride=config.patch_size)

    def forward(self, image: Tensor) -> Tensor:
        """Project non-overlapping squares, padding the far edges with zeros."""
        height, width = image.shape[-2:]
        pad = (0, -width % self.patch, 0, -height % self.patch)
        squares: Tensor = self.project(nn.functional.pad(image, pad))  # [B, D, h, w]
        return squares.flatten(2).transpose(1, 2)  # [B, h*w, D]


class ConvStem(nn.Module):
    """Overlapping 3x3 convolutions, after Xiao et al. 2021, "Early convolutions help transformers".

    One at full resolution, then one of stride 2 for each halving that `patch` asks for.
    [B, C, H, W] float -> [B, ceil(H / patch) * ceil(W / patch), D].
    """

    def __init__(self, channels: int, config: ModelConfig) -> None:
        super().__init__()
        halvings = round(math.log2(config.patch_size))
        widths = [
            channels,
            *(max(config.embed_dim >> (halvings - i), 8) for i in range(halvings)),
            config.embed_dim,
        ]
        layers: list[nn.Module] = []
        for i, (in_channels, out_channels) in enumerate(pairwise(widths)):
            layers += [
                nn.Conv2d(in_channels, out_channels, 3, stride=1 if i == 0 else 2, padding=1),
                nn.GELU(),
            ]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, image: Tensor) -> Tensor:
        """Convolve down to one token per patch."""
        grid: Tensor = self.layers(image)  # [B, D, h, w]
        return grid.flatten(2).transpose(1, 2)  # [B, h*w, D]


IMAGE_STEMS: dict[str, Callable[[int, ModelConfig], nn.Module]] = {"conv": ConvStem, "patches": PatchStem}
"""Image stems by the name a job file gives them."""


class ImageTokens(nn.Module):
    """One image column: normalisation fitted once, a stem, and learned positions."""

    def __init__(self, shape: tuple[int, ...], config: ModelConfig) -> None:
        super().__init__()
        self.stem = IMAGE_STEMS[config.stem](shape[0], config)
        self.register_buffer("mean", torch.zeros(shape[0], 1, 1))
        self.register_buffer("scale", torch.ones(shape[0], 1, 1))
        tokens = math.ceil(shape[1] / config.patch_size) * math.ceil(shape[2] / config.patch_size)
        self.position = nn.Parameter(torch.randn(tokens, config.embed_dim) * 0.02)
        self.mean: Tensor
        self.scale: Tensor

    def encode(self, images: Column) -> Tensor:
        """Uint8 [N, C, H, W] as a tensor."""
        return torch.from_numpy(np.array(images))

    def fit(self, pixels: Tensor) -> None:
        """Fit mean and standard deviation per channel of uint8 pixels [N, C, H, W]."""
        wide = pixels.double()
        self.mean.copy_(wide.mean((0, 2, 3))[:, None, None])
        self.scale.copy_(wide.std((0, 2, 3)).clamp_min(1.0)[:, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        """Uint8 [B, C, H, W] -> tokens [B, T, D]."""
        tokens: Tensor = self.stem((pixels.float() - self.mean) / self.scale)
        return tokens + self.position


def make_image_columns(columns: Mapping[str, InputColumn], config: ModelConfig, _: InitSource) -> ColumnList:
    """The image columns of a schema."""
    shapes = {name: column.shape for name, column in columns.items() if column.shape is not None}
    return ColumnList(InputType.IMAGE, {name: ImageTokens(shape, config) for name, shape in shapes.items()})
