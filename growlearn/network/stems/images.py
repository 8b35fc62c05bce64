"""Image stems: plain patches, and normalised overlapping convolutions (more accurate; docs/adr/0003)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.rows import Column
from growlearn.network.stems.columns import ColumnList, InitSource

_MAX_STATISTICS_IMAGES = 2048  # that the running statistics of an untrained stem are fitted to
_STATISTICS_BATCH = 256
_MOMENTUM = 0.1  # of the running statistics, in training
# Below, products of bfloat16 gain a fifth at most: less than the conversions cost.
_MIN_MIXED_WIDTH = 32
_MIN_MIXED_PIXELS = 256


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


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation (Ioffe and Szegedy 2015) that a batch of one image does not disturb.

    In training mode one image is normalised by the running statistics and leaves them as they are: those of a
    single image say little, and where it has one pixel left they are undefined.
    """

    def forward(self, grid: Tensor) -> Tensor:
        """[B, D, h, w] -> the same shape, normalised by channel."""
        if self.training and len(grid) == 1:
            assert self.running_mean is not None
            assert self.running_var is not None
            return nn.functional.batch_norm(
                grid, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        normalised: Tensor = super().forward(grid)
        return normalised


class ConvStem(nn.Module):
    """Overlapping 3x3 convolutions, after Xiao et al. 2021, "Early convolutions help transformers".

    Each is followed by batch normalisation and ReLU, as there. One at full resolution; then, for each halving
    that `patch` asks for, one of stride 2 and one of stride 1. Half of D channels at full and at half
    resolution, D beyond. The running statistics are buffers; `fit_statistics` gives them their first values.
    [B, C, H, W] float -> [B, ceil(H / patch) * ceil(W / patch), D].
    """

    def __init__(self, channels: int, config: ModelConfig) -> None:
        super().__init__()
        self.width = config.embed_dim
        # Whether products are of bfloat16, and sums of float32, where it pays; training sets it.
        self.is_mixed = False
        halvings = round(math.log2(config.patch_size))
        half = max(config.embed_dim // 2, 1)
        widths, strides = [channels, half], [1]
        for i in range(halvings):
            widths += [half if i == 0 else config.embed_dim, config.embed_dim]
            strides += [2, 1]
        widths[-1] = config.embed_dim
        layers: list[nn.Module] = []
        for (in_channels, out_channels), stride in zip(pairwise(widths), strides, strict=True):
            layers += [
                nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
                BatchNorm(out_channels, momentum=_MOMENTUM),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):  # channels last: faster on CPUs
                weight = layer.weight.detach().contiguous(memory_format=torch.channels_last)
                layer.weight = nn.Parameter(weight)

    @property
    def has_statistics(self) -> bool:
        """Whether the running statistics were fitted or trained."""
        return bool(self._norms[0].num_batches_tracked)

    @property
    def _norms(self) -> list[BatchNorm]:
        return [layer for layer in self.layers if isinstance(layer, BatchNorm)]

    @torch.no_grad()
    def fit_statistics(self, images: Sequence[Tensor]) -> None:
        """Fit the running statistics of an untrained stem: the mean over these batches [B, C, H, W]."""
        was_training = self.training
        for norm in self._norms:
            norm.momentum = None  # a plain mean over the batches
            norm.train()
        for batch in images:
            self(batch)
        for norm in self._norms:
            norm.momentum = _MOMENTUM
            norm.train(was_training)

    def forward(self, image: Tensor) -> Tensor:
        """Convolve down to one token per patch."""
        image = image.contiguous(memory_format=torch.channels_last)
        pays = self.width >= _MIN_MIXED_WIDTH and image.shape[-2:].numel() >= _MIN_MIXED_PIXELS
        if self.is_mixed and pays:
            with torch.autocast(image.device.type, torch.bfloat16):
                grid: Tensor = self.layers(image).float()  # [B, D, h, w]
        else:
            grid = self.layers(image)
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
        if isinstance(self.stem, ConvStem) and not self.stem.has_statistics:  # a copied stem keeps its own
            batches = torch.split(pixels[:_MAX_STATISTICS_IMAGES], _STATISTICS_BATCH)
            self.stem.fit_statistics([self._standardise(batch) for batch in batches])

    def forward(self, pixels: Tensor) -> Tensor:
        """Uint8 [B, C, H, W] -> tokens [B, T, D]."""
        tokens: Tensor = self.stem(self._standardise(pixels))
        return tokens + self.position

    def _standardise(self, pixels: Tensor) -> Tensor:
        return (pixels.float() - self.mean) / self.scale


def make_image_columns(columns: Mapping[str, InputColumn], config: ModelConfig, _: InitSource) -> ColumnList:
    """The image columns of a schema."""
    shapes = {name: column.shape for name, column in columns.items() if column.shape is not None}
    return ColumnList(InputType.IMAGE, {name: ImageTokens(shape, config) for name, shape in shapes.items()})
