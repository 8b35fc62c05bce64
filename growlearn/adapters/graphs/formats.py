"""How a traced model is written, and asked again from its file: one entry a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch.export import ExportedProgram

from growlearn.adapters.graphs.onnx_file import (
    ONNX_FILE,
    describe_onnx_runtime,
    open_onnx_file,
    require_onnx,
    write_onnx_file,
)
from growlearn.adapters.graphs.torch_file import (
    TORCH_FILE,
    describe_torch_runtime,
    open_torch_file,
    write_torch_file,
)
from growlearn.domain.export_format import ExportFormat
from growlearn.network.graph.inputs import Arrays


@dataclass(frozen=True)
class GraphFormat:
    """`open` gives what answers arrays from a written file; `require` raises where a package is missing.

    `tolerance` is the largest difference of a probability from that of the version.
    """

    file: str
    require: Callable[[], None]
    write: Callable[[ExportedProgram, Path], None]
    open: Callable[[Path], Callable[[Arrays], Arrays]]
    describe_runtime: Callable[[], dict[str, Any]]
    tolerance: float


GRAPH_FORMATS: Mapping[ExportFormat, GraphFormat] = MappingProxyType(
    {
        ExportFormat.TORCH: GraphFormat(
            TORCH_FILE, lambda: None, write_torch_file, open_torch_file, describe_torch_runtime, 1e-5
        ),
        ExportFormat.ONNX: GraphFormat(
            ONNX_FILE, require_onnx, write_onnx_file, open_onnx_file, describe_onnx_runtime, 1e-4
        ),
    }
)
