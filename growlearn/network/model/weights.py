"""Weights as safetensors bytes."""

from __future__ import annotations

from collections.abc import Mapping

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from growlearn.domain.errors import CorruptArtifact


def dump_weights(weights: Mapping[str, Tensor]) -> bytes:
    """Serialise weights; equal weights give equal bytes."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})


def load_weights(content: bytes) -> dict[str, Tensor]:
    """Read safetensors bytes; names in order, raises CorruptArtifact where the content is none."""
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise CorruptArtifact(
            f"stored weights are not safetensors: {error}", hint="run: growlearn fsck"
        ) from error
    # Cloned into memory that torch aligns: the last bit of a product can depend on the alignment.
    return {name: tensor.clone() for name, tensor in sorted(tensors.items())}


def with_prefix(prefix: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights whose names start with `prefix`, with the prefix removed."""
    return {name[len(prefix) :]: tensor for name, tensor in weights.items() if name.startswith(prefix)}
