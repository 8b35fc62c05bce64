"""Weights as safetensors bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I8": torch.int8,
    "U8": torch.uint8,
}


def dump(weights: Mapping[str, Tensor]) -> bytes:
    """Serialise weights; equal weights give equal bytes."""
    from safetensors.torch import save  # noqa: PLC0415 - an exported model only reads

    return save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})


def load(content: bytes) -> dict[str, Tensor]:
    """Read safetensors bytes.

    Written out here, rather than taken from the safetensors package, because an exported model must
    load where only mlflow, torch and its own code are present. The format: eight bytes (little
    endian) of header length, a JSON header, then raw tensors at the offsets the header gives.
    """
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    body = bytearray(content[8 + length :])
    weights = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        count = (end - start) // _DTYPES[entry["dtype"]].itemsize
        if count == 0:
            weights[name] = torch.empty(entry["shape"], dtype=_DTYPES[entry["dtype"]])
            continue
        flat = torch.frombuffer(body, dtype=_DTYPES[entry["dtype"]], count=count, offset=start)
        weights[name] = flat.reshape(entry["shape"]).clone()  # clone: aligned, and owned
    return weights


def under(prefix: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights below a dotted prefix, without it."""
    return {name[len(prefix) :]: tensor for name, tensor in weights.items() if name.startswith(prefix)}
