"""The device that a process computes on: which there are, which one is meant, and how it is recorded."""

from __future__ import annotations

import os

import torch

from growlearn.domain.device import AUTO, CPU, device_type, is_device_name
from growlearn.domain.errors import GrowLearnError

CPU_DEVICE = torch.device(CPU)


def list_devices() -> list[str]:
    """The names of this machine's devices, the fastest first.

    >>> list_devices()[-1]
    'cpu'
    """
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, CPU]


def resolve_device(name: str, key: str) -> torch.device:
    """The device of a name; `auto` is the first of cuda, mps and cpu that this machine has.

    Raises GrowLearnError naming the `key` that asks for it, where this machine has no such device.
    """
    names = list_devices()
    if name == AUTO:
        return torch.device(names[0])
    wanted = f"{name}:0" if name == "cuda" else name
    if not is_device_name(name) or wanted not in names:
        raise GrowLearnError(
            f"{key} is {name!r}, but this machine has {_list_names(names)}",
            hint=f"write one of {', '.join([AUTO, *names])}",
        )
    return torch.device(wanted)


def choose_device(wanted: str, process: str, key: str, process_key: str) -> torch.device:
    """The device for one piece of work, of those that the process may use: its own, and the CPU.

    `wanted` is what the `key` of the work says, `process` what that of the process does. `auto` leaves the
    choice to the other; `cuda` is any GPU, so that of the process where it has one. Raises GrowLearnError as
    `resolve_device` does, and where the two contradict each other.
    """
    own = resolve_device(process, process_key)
    if wanted in (AUTO, own.type):
        return own
    device = resolve_device(wanted, key)
    if process != AUTO and device not in (own, CPU_DEVICE):
        raise GrowLearnError(
            f"{key} is {wanted!r}, but {process_key} lets this process use {own} only",
            hint=f"set {process_key} to {device} or {AUTO}, or {key} to {AUTO}",
        )
    return device


def describe_device(device: torch.device) -> str:
    """What the last bit of a result may depend on, for a record: the type first, then the hardware.

    The index is left out: two equal GPUs of a machine give equal bits.
    """
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        return f"cuda {name}, CUDA {torch.version.cuda}, cuDNN {cudnn}"
    return device.type


def open_device(name: str, key: str) -> torch.device:
    """`resolve_device`, and this process computes on it as `prepare_device` says."""
    device = resolve_device(name, key)
    prepare_device(device)
    return device


def prepare_device(device: torch.device) -> None:
    """Make results on a GPU repeatable, and as exact as those of a CPU; nothing changes for a CPU.

    cuDNN's convolutions use TF32 by default, whose mantissa of 10 bits would set answers 1e-3 apart. An
    operation without a repeatable implementation is an error: with a warning alone, torch keeps to the
    attention whose gradients differ from run to run.
    """
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read at the first product; see cuBLAS
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def synchronize(device: torch.device) -> None:
    """Wait for what a device has been given to do, before a time is read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def find_recorded_device(description: str) -> torch.device:
    """The first device of the type that a record names; the CPU where this machine has none."""
    names = [name for name in list_devices() if device_type(name) == device_type(description)]
    return torch.device(names[0] if names else CPU)


def _list_names(names: list[str]) -> str:
    return f"no device but {CPU}" if names == [CPU] else ", ".join(names)
