"""What a version can be exported as."""

from __future__ import annotations

from enum import StrEnum


class ExportFormat(StrEnum):
    """A folder that MLflow loads, or a file that torch or ONNX Runtime loads."""

    MLFLOW = "mlflow"
    TORCH = "torch"
    ONNX = "onnx"
