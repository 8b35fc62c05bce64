"""The precision in which a training step multiplies matrices."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def mixed_precision(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """A context for the forward pass and the loss: bfloat16 products on a GPU where `precision` says so.

    Weights, gradients and the state of the optimiser stay float32 (Micikevicius et al. 2018), as does
    everything outside training; bfloat16 has the range of float32, so the loss is not scaled. Any other
    device trains in float32.
    """
    if precision == "bfloat16" and device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()
