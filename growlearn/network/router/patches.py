"""Untrained image features: responses to whitened patches of the first window.

After Coates, Ng and Lee 2011, "An analysis of single-layer networks in unsupervised feature learning":
patches are normalised in contrast and whitened, compared with a dictionary of patches, rectified on
both sides and averaged over a coarse grid.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

_PATCH_SIZE = 6  # pixels of a patch along each side
_FIT_STRIDE = 2  # enough patches, at a quarter of the memory
_DENSE_SIDE = 40  # pixels: smaller images are read at every position, larger ones at every second
_GRID = 4  # cells along each side over which responses are averaged
_THRESHOLD = 0.25
_CONTRAST = 10.0  # grey levels added to a patch's standard deviation, so flat patches stay flat
_WHITENING_EPSILON = 0.1
_MAX_IMAGES, _MAX_PATCHES = 3000, 100_000  # used to fit the whitening


class PatchFeatures(nn.Module):
    """Images uint8 [B, C, H, W] -> features float32 [B, 2 * 16 * patches]; `fit` is called once."""

    def __init__(self, channels: int, patches: int) -> None:
        super().__init__()
        self.register_buffer("filters", torch.zeros(patches, channels, _PATCH_SIZE, _PATCH_SIZE))
        self.register_buffer("offsets", torch.zeros(patches))
        self.filters: Tensor
        self.offsets: Tensor

    @property
    def size(self) -> int:
        """The number of features of an image."""
        return 2 * _GRID * _GRID * len(self.filters)

    def fit(self, images: Tensor, generator: torch.Generator) -> None:
        """Fit whitening and dictionary to uint8 images [N, C, H, W]."""
        sample = images[torch.randperm(len(images), generator=generator)[:_MAX_IMAGES]]
        cut = F.unfold(self._padded(sample.float()), _PATCH_SIZE, stride=_FIT_STRIDE)  # [n, C*k*k, L]
        patches = cut.transpose(1, 2).reshape(-1, cut.shape[1])
        patches = patches[torch.randperm(len(patches), generator=generator)[:_MAX_PATCHES]]
        spread = patches.std(1, correction=0, keepdim=True) + _CONTRAST
        normalized = (patches - patches.mean(1, keepdim=True)) / spread  # [P, C*k*k]
        mean = normalized.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov((normalized - mean).T).double())
        whiten = (vectors * (values.clamp_min(0) + _WHITENING_EPSILON).rsqrt() @ vectors.T).float()
        white = (normalized - mean) @ whiten
        high_contrast = white[white.norm(dim=1) >= white.norm(dim=1).median()][: len(self.filters)]
        filters = F.normalize(high_contrast, dim=1) @ whiten  # [K, C*k*k]; whitening is symmetric
        self.filters[: len(filters)] = filters.view(-1, *self.filters.shape[1:])
        self.offsets[: len(filters)] = filters @ mean

    def forward(self, images: Tensor) -> Tensor:
        """Each patch p as filter . (p - mean(p)) / std(p), rectified and averaged."""
        stride, pixels = choose_stride(images), self._padded(images.float())
        count = pixels.shape[1] * _PATCH_SIZE * _PATCH_SIZE
        ones = pixels.new_ones(1, pixels.shape[1], _PATCH_SIZE, _PATCH_SIZE)
        mean = F.conv2d(pixels, ones, stride=stride) / count  # [B, 1, h, w]
        square = F.conv2d(pixels.square(), ones, stride=stride) / count
        spread = (square - mean.square()).clamp_min(0).sqrt() + _CONTRAST
        sums = self.filters.sum((1, 2, 3))[:, None, None]
        response = (F.conv2d(pixels, self.filters, stride=stride) - mean * sums) / spread
        response = response - self.offsets[:, None, None]  # [B, K, h, w]
        both = torch.cat([F.relu(response - _THRESHOLD), F.relu(-response - _THRESHOLD)], dim=1)
        return F.adaptive_avg_pool2d(both, _GRID).flatten(1)

    @staticmethod
    def _padded(pixels: Tensor) -> Tensor:
        return F.pad(pixels, (_PATCH_SIZE // 2,) * 4, mode="replicate")


def choose_stride(images: Tensor) -> int:
    """Pixels from one patch of images [B, C, H, W] to the next (docs/adr/0007).

    >>> choose_stride(torch.zeros(1, 1, 28, 28)), choose_stride(torch.zeros(1, 3, 96, 96))
    (1, 2)
    """
    return 1 if max(images.shape[-2:]) <= _DENSE_SIDE else 2
