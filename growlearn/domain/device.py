"""Names of devices, as job files, settings and scripts write them."""

from __future__ import annotations

import re

AUTO = "auto"
CPU = "cpu"
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")


def is_device_name(text: str) -> bool:
    """Whether a text can name a device: auto, cpu, cuda, cuda:N or mps.

    >>> is_device_name("cuda:1"), is_device_name("gpu")
    (True, False)
    """
    return _DEVICE.fullmatch(text) is not None


def device_type(description: str) -> str:
    """The type of a device from its name, or from its description in a record.

    >>> device_type("cuda:1"), device_type("cuda NVIDIA H200, CUDA 12.8"), device_type("cpu")
    ('cuda', 'cuda', 'cpu')
    """
    return re.split(r"[: ]", description, maxsplit=1)[0]
