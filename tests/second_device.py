"""A second device that computes on the CPU and is as strict as a GPU.

Its tensors hold their values in ordinary CPU tensors. An operation on tensors of both devices is an error, as
is reading one of its tensors from NumPy; what CUDA itself allows passes: copies, CPU scalars and CPU indices.
Of the device types that torch knows without their hardware, `lazy` is one that autograd accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map

SECOND = torch.device("lazy", 0)
_COPIES = (torch.ops.aten._to_copy, torch.ops.aten.copy_)
_INDEXED = (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_)


class SecondTensor(torch.Tensor):
    """A tensor that is on the second device; what it holds is on the CPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> SecondTensor:
        """Wrap a CPU tensor, whose memory is shared."""
        tensor: SecondTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=SECOND,
        )
        tensor.held = held
        return tensor

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def tolist(self) -> Any:
        """The numbers, which a GPU's tensor gives too; torch refuses it for other classes of tensors."""
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, _types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run an operation on what is held."""
        return _run(func, args, kwargs or {})


class _SecondDevice(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


@contextmanager
def second_device() -> Iterator[torch.device]:
    """Within it tensors and modules can be moved to, and made on, a second device."""
    with _SecondDevice():  # type: ignore[no-untyped-call]
        yield SECOND


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [item for item in tree_flatten((args, kwargs))[0] if isinstance(item, torch.Tensor)]
    has_second = any(isinstance(tensor, SecondTensor) for tensor in tensors)
    _reject_mixed(func, args, tensors)
    is_second = _is_on_second(func, args, kwargs, has_second)
    plain = {name: _get_held(item) for name, item in kwargs.items()}
    if is_second and kwargs.get("device") is not None:
        if kwargs.get("generator") is not None:
            raise RuntimeError("a generator of the CPU cannot draw numbers on another device")
        plain["device"] = torch.device("cpu")
    out = func(*tree_map(_get_held, args), **plain)
    if is_second:
        out = tree_map(lambda item: SecondTensor(item) if isinstance(item, torch.Tensor) else item, out)
    if not has_second or func.overloadpacket is torch.ops.aten._to_copy:
        return out
    return return_and_correct_aliasing(func, args, kwargs, out)  # type: ignore[no-untyped-call]


def _is_on_second(func: Any, args: Any, kwargs: dict[str, Any], has_second: bool) -> bool:
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"]).type == SECOND.type
    return isinstance(args[0], SecondTensor) if func.overloadpacket in _COPIES else has_second


def _get_held(item: Any) -> Any:
    return tree_map(lambda leaf: leaf.held if isinstance(leaf, SecondTensor) else leaf, item)


def _reject_mixed(func: Any, args: Any, tensors: list[torch.Tensor]) -> None:
    if func.overloadpacket in _COPIES:
        return
    if func.overloadpacket in _INDEXED:
        indices = [index for index in args[1] if index is not None]
        if not isinstance(args[0], SecondTensor) and any(isinstance(i, SecondTensor) for i in indices):
            raise RuntimeError("a tensor of the CPU cannot be read at indices of another device")
        tensors = [tensor for tensor in (args[0], *args[2:]) if isinstance(tensor, torch.Tensor)]
    is_second = [isinstance(tensor, SecondTensor) for tensor in tensors]
    if any(is_second) and any(t.ndim > 0 for t, second in zip(tensors, is_second, strict=True) if not second):
        raise RuntimeError(f"{func.overloadpacket} of tensors on the CPU and on another device")
