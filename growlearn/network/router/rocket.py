"""Untrained features of a time series: random convolutions, and channel means over segments.

After ROCKET (Dempster, Petitjean and Webb 2020): the maximum of each random dilated kernel's responses, and
the fraction of positive ones; also each channel's mean over a few segments, and its standard deviation.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.network.transfer import DoubleModule, to_device

_TAPS = 5  # per kernel
_SEGMENTS, _MAX_MEANS = 16, 512  # per channel, and of all channels together
_THRESHOLD_ROWS = 1000  # used to set the kernels' thresholds


class RocketFeatures(DoubleModule):
    """Series float64 [B, steps, channels] -> features float32 [B, size]; `fit` is called once."""

    def __init__(self, steps: int, channels: int, kernels: int) -> None:
        super().__init__()
        self.segments = max(1, min(_SEGMENTS, steps, _MAX_MEANS // channels))
        self.register_buffer("mean", torch.zeros(channels, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(channels, dtype=torch.float64))
        self.register_buffer("kernels", torch.zeros(kernels, channels, _TAPS))
        self.register_buffer("thresholds", torch.zeros(kernels))
        self.mean: Tensor
        self.scale: Tensor
        self.kernels: Tensor
        self.thresholds: Tensor
        longest = max(1, (steps - 1) // (_TAPS - 1))
        self.dilations = [2**power for power in range(longest.bit_length())]

    @property
    def size(self) -> int:
        """The number of features of a series."""
        return len(self.mean) * (self.segments + 1) + 2 * len(self.kernels)

    def fit(self, values: Tensor, generator: torch.Generator) -> None:
        """Fit each channel's mean and standard deviation; draw kernels, thresholds from their responses."""
        spread = values.std((0, 1), correction=0)
        self.mean.copy_(values.mean((0, 1)))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))
        drawn = torch.randn(self.kernels.shape, generator=generator)
        drawn -= drawn.mean((1, 2), keepdim=True)
        self.kernels.copy_(drawn / drawn.norm(dim=(1, 2), keepdim=True))
        sample = values[torch.randperm(len(values), generator=generator)[:_THRESHOLD_ROWS]]
        responses = self._responses(self._standardize(sample)).transpose(0, 1).flatten(1)  # [K, n * steps]
        positions = torch.randint(0, responses.shape[1], (len(responses), 1), generator=generator)
        self.thresholds.copy_(responses.gather(1, positions)[:, 0])

    def forward(self, values: Tensor) -> Tensor:
        """Segment means, standard deviations, maximum responses and fractions above the threshold."""
        standard = self._standardize(values)  # [B, channels, steps]
        over = self._responses(standard) - self.thresholds[:, None]  # [B, K, steps]
        coarse = F.adaptive_avg_pool1d(standard, self.segments).flatten(1)
        spread = standard.std(2, correction=0)
        return torch.cat([coarse, spread, over.amax(2), (over > 0).float().mean(2)], dim=1)

    def _standardize(self, values: Tensor) -> Tensor:
        standard = ((values - self.mean) / self.scale).clamp(-10, 10).float()
        return to_device(standard, self.kernels.device).transpose(1, 2)

    def _responses(self, standard: Tensor) -> Tensor:
        """Responses of every kernel at every step, ordered by dilation."""
        num_dilations = len(self.dilations)
        parts = [
            F.conv1d(
                standard, self.kernels[index::num_dilations], padding=_TAPS // 2 * dilation, dilation=dilation
            )
            for index, dilation in enumerate(self.dilations)
            if index < len(self.kernels)
        ]
        return torch.cat(parts, dim=1)
