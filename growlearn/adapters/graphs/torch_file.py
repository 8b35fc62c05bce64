"""A traced model as a `.pt2` file, which `torch.export.load` reads."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from growlearn.network.graph.inputs import Arrays

TORCH_FILE = "model.pt2"


def write_torch_file(program: ExportedProgram, path: Path) -> None:
    """Write the operators as JSON and the weights as bytes; nothing in the file has to be unpickled."""
    content = io.BytesIO()  # torch's own writer does not say why a file could not be written
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of weights that are not contiguous, which it stores with their strides
        torch.export.save(program, content)
    path.write_bytes(content.getvalue())


def open_torch_file(path: Path) -> Callable[[Arrays], Arrays]:
    """The model of a file that this process has written, as a function of arrays."""
    module = torch.export.load(path).module()

    def answer(inputs: Arrays) -> Arrays:
        with torch.no_grad():
            outputs = module({name: torch.from_numpy(array) for name, array in inputs.items()})
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    return answer


def describe_torch_runtime() -> dict[str, Any]:
    """What wrote the file, and so reads it."""
    return {"torch": torch.__version__}
