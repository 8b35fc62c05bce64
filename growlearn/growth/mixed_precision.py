"""The precision in which a training step multiplies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

from growlearn.network.stems.images import ConvStem
from growlearn.network.stems.stem import Stem


@contextmanager
def mixed_precision(stem: Stem | None, device: torch.device, precision: str) -> Iterator[None]:
    """Within it the forward pass of a step multiplies in bfloat16 where `precision` says so and it pays.

    On a GPU these are all products, and only where it is "bfloat16"; on a CPU with instructions for it the
    convolutions of the stem, unless it is "float32". Weights, gradients and the state of the optimiser stay
    float32 (Micikevicius et al. 2018), as does everything outside training; bfloat16 has the range of
    float32, so the loss is not scaled. Any other device trains in float32.
    """
    if device.type == "cuda" and precision == "bfloat16":
        with torch.autocast("cuda", torch.bfloat16):
            yield
        return
    is_asked = device.type == "cpu" and precision != "float32" and multiplies_bfloat16()
    modules = [] if stem is None or not is_asked else stem.modules()
    stems = [module for module in modules if isinstance(module, ConvStem)]
    try:
        for conv_stem in stems:
            conv_stem.is_mixed = True
        yield
    finally:
        for conv_stem in stems:
            conv_stem.is_mixed = False


@cache
def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for products of bfloat16; without them they are slower."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
