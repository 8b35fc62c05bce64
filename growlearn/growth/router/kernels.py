"""Features of a time series that need no training: random convolutions, and the series itself made coarse.

After ROCKET (Dempster, Petitjean and Webb 2020): of each random dilated kernel's responses the largest, and
the share that is positive. Beside them the mean of each channel over a few segments, and its spread.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

_TAPS = 5  # of a kernel
_SEGMENTS, _MOST_MEANS = 16, 512  # a channel, and of all channels together
_ROWS = 1000  # looked at to place the kernels' thresholds


class KernelFeatures(nn.Module):
    """Series float64 [B, steps, channels] -> features float32 [B, size]; `fit` is called once."""

    def __init__(self, steps: int, channels: int, kernels: int) -> None:
        super().__init__()
        self.segments = max(1, min(_SEGMENTS, steps, _MOST_MEANS // channels))
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
        """How many features a series has."""
        return len(self.mean) * (self.segments + 1) + 2 * len(self.kernels)

    def fit(self, values: Tensor, generator: torch.Generator) -> None:
        """Learn each channel's mean and spread; draw kernels, and a threshold each from its responses."""
        spread = values.std((0, 1), correction=0)
        self.mean.copy_(values.mean((0, 1)))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))
        drawn = torch.randn(self.kernels.shape, generator=generator)
        drawn -= drawn.mean((1, 2), keepdim=True)
        self.kernels.copy_(drawn / drawn.norm(dim=(1, 2), keepdim=True))
        some = values[torch.randperm(len(values), generator=generator)[:_ROWS]]
        responses = self._responses(self._standard(some)).transpose(0, 1).flatten(1)  # [K, n * steps]
        place = torch.randint(0, responses.shape[1], (len(responses), 1), generator=generator)
        self.thresholds.copy_(responses.gather(1, place)[:, 0])

    def forward(self, values: Tensor) -> Tensor:
        """Coarse series, spreads, largest responses and shares above the threshold."""
        standard = self._standard(values)  # [B, channels, steps]
        over = self._responses(standard) - self.thresholds[:, None]  # [B, K, steps]
        coarse = F.adaptive_avg_pool1d(standard, self.segments).flatten(1)
        spread = standard.std(2, correction=0)
        return torch.cat([coarse, spread, over.amax(2), (over > 0).float().mean(2)], dim=1)

    def _standard(self, values: Tensor) -> Tensor:
        return ((values - self.mean) / self.scale).clamp(-10, 10).float().transpose(1, 2)

    def _responses(self, standard: Tensor) -> Tensor:
        """Every kernel at every step, those of one dilation after those of another."""
        kinds = len(self.dilations)
        parts = [
            F.conv1d(standard, self.kernels[at::kinds], padding=_TAPS // 2 * dilation, dilation=dilation)
            for at, dilation in enumerate(self.dilations)
            if at < len(self.kernels)
        ]
        return torch.cat(parts, dim=1)
