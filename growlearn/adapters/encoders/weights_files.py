"""Weights as people have them: safetensors, or torch's own file read without unpickling code."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from growlearn.domain.errors import GrowLearnError


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a .safetensors file, or of a .pth, .pt or .bin file of tensors alone.

    Raises GrowLearnError where it cannot be read, or holds more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise GrowLearnError(
            f"cannot read weights {path}: {error.strerror or error}", hint="check model.encoder.weights"
        ) from error
    except (safetensors.SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise GrowLearnError(
            f"{path} is no file of weights alone: {str(error).splitlines()[0]}",
            hint="save the model's state_dict as safetensors",
        ) from error
    weights = content.get("state_dict", content) if isinstance(content, dict) else {}
    tensors = {name: value for name, value in weights.items() if isinstance(value, Tensor)}
    if not tensors:
        raise GrowLearnError(f"{path} holds no tensors", hint="save the model's state_dict")
    return tensors


def load_into_module(module: nn.Module, weights: dict[str, Tensor], *, path: Path, name: str) -> None:
    """Load every tensor of a module; others, as those of a classifier, are left out.

    Raises GrowLearnError naming the first tensor that is missing or has another shape.
    """
    state = module.state_dict()
    for key, tensor in state.items():
        if key not in weights:
            if key.endswith("num_batches_tracked"):
                weights = {**weights, key: tensor}
                continue
            missing = sum(other not in weights for other in state)
            raise GrowLearnError(
                f"{path} has no {key!r}, and lacks {missing} of {len(state)} tensors of {name}",
                hint="these are the weights of another model; check model.encoder.name",
            )
        if weights[key].shape != tensor.shape:
            raise GrowLearnError(
                f"{path} has {key!r} as {list(weights[key].shape)}, {name} needs {list(tensor.shape)}",
                hint="these are the weights of another model; check model.encoder.name",
            )
    module.load_state_dict({key: weights[key] for key in state})


@contextmanager
def needing(package: str, extra: str) -> Iterator[None]:
    """Within it a missing package raises GrowLearnError naming the extra that brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == package:
            raise GrowLearnError(
                f"model.encoder from {package} needs the package {package}",
                hint=f"pip install 'growlearn[{extra}]'",
            ) from error
        raise
