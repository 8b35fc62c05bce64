"""A traced model as an ONNX file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from growlearn.domain.errors import GrowLearnError
from growlearn.network.graph.inputs import Arrays

ONNX_FILE = "model.onnx"
OPSET = 20
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_ERRORS_ONLY = 3  # of the levels of ONNX Runtime's log


def require_onnx() -> None:
    """Raise GrowLearnError where a package of the extra is missing."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise GrowLearnError(
            f"an ONNX file needs the packages {', '.join(_PACKAGES)}; missing: {', '.join(missing)}",
            hint="pip install 'growlearn[onnx]'",
        )


def write_onnx_file(program: ExportedProgram, path: Path) -> None:
    """Write a model of a dynamic batch; above 2 GB its weights are in a second file beside it.

    Raises GrowLearnError for a program with an operator that ONNX does not have.
    """
    inputs, outputs = (_dict_keys(spec) for spec in (program.call_spec.in_spec, program.call_spec.out_spec))
    try:
        with _silence():
            exported = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=inputs,
                output_names=outputs,
                dynamic_shapes=({name: {0: "batch"} for name in inputs},),
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise GrowLearnError(
            f"the model cannot be written as ONNX: {reason}", hint="export it with --format torch"
        ) from error
    assert exported is not None
    for node in exported.model.graph.all_nodes():
        node.metadata_props.clear()  # of tracing
    exported.save(path)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what the exporter says about its own code, and what it does not simplify, from people."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _dict_keys(spec: Any) -> list[str]:
    """The names in the one dictionary of a call's arguments or results, in their order."""
    while spec.type is not dict:
        spec = spec.children()[0]
    return list(spec.context)


def open_onnx_file(path: Path) -> Callable[[Arrays], Arrays]:
    """The model of a file in ONNX Runtime on the CPU, as a function of arrays."""
    import onnxruntime  # noqa: PLC0415 - an extra

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def answer(inputs: Arrays) -> Arrays:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return answer


def describe_onnx_runtime() -> dict[str, Any]:
    """The operators that a runtime must know, and the runtime that the file was verified with."""
    return {"opset": OPSET, "onnxruntime": version("onnxruntime"), "torch": torch.__version__}
