"""Tensors on their way to a device. Every caller asks a tensor or a module where it is; nothing is global."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from growlearn.domain.device import CPU

WITHOUT_DOUBLE = frozenset({"mps"})
"""Types of device that have no float64."""
_CACHE_FRACTION = 0.25  # of a GPU's free memory, that features and encoded inputs may take
_MAX_PINNED_BYTES = 2**28
_MAX_CACHE_BYTES = 2**30  # on a device that shares the memory of the machine


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device, itself where it is there; copied beside what a GPU is computing.

    A float64 tensor stays where it is if the device has no float64. A large tensor is copied without pinned
    memory, which the process would keep.
    """
    if tensor.dtype == torch.float64 and device.type in WITHOUT_DOUBLE:
        return tensor
    if device.type == "cuda" and tensor.device.type == CPU and tensor.nbytes <= _MAX_PINNED_BYTES:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def pick(tensor: Tensor, index: Tensor) -> Tensor:
    """The rows of a tensor at an index [B], where the tensor is."""
    return tensor[to_device(index, tensor.device)]


def cache_budget_bytes(device: torch.device) -> int:
    """The bytes that one cache may take on a device that is not the CPU."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free * _CACHE_FRACTION)
    return _MAX_CACHE_BYTES


class DoubleModule(nn.Module):
    """A module with float64 buffers, which stay where they are when it is moved to a device without float64.

    Its `forward` computes in float64 where the buffers are, and brings the float32 result to its weights.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> DoubleModule:
        def apply(tensor: Tensor) -> Tensor:
            if (
                tensor.dtype == torch.float64
                and fn(tensor.new_empty(0).float()).device.type in WITHOUT_DOUBLE
            ):
                return tensor
            return fn(tensor)

        applied: DoubleModule = super()._apply(apply, recurse)  # type: ignore[no-untyped-call]
        return applied
