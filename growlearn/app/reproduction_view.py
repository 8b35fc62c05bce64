"""The result of reproducing a version as plain data with the documented keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from growlearn.app.reproduce import Reproduction

ReproductionView = Mapping[str, Any]


def reproduction_view(reproduction: Reproduction) -> ReproductionView:
    """The verdict, the figures, and every tensor and environment property that differs."""
    model_diff, environment_differences = reproduction.model_diff, reproduction.environment_differences
    return {
        "stream": reproduction.version.stream,
        "version": reproduction.version.number,
        "window": reproduction.version.window,
        "retrained": list(reproduction.branches),
        "verdict": reproduction.status.value,
        "tolerance": reproduction.tolerance,
        "answer_difference": _finite_or_none(model_diff.output_difference),
        "weight_difference": _finite_or_none(model_diff.weight_difference),
        "compared_rows": model_diff.rows,
        "tensor_differences": [
            {
                "part": tensor_diff.part,
                "tensor": tensor_diff.tensor,
                "difference": _finite_or_none(tensor_diff.difference),
            }
            for tensor_diff in model_diff.tensor_differences
        ],
        "environment": None
        if environment_differences is None
        else [
            {"name": difference.name, "recorded": difference.recorded, "current": difference.current}
            for difference in environment_differences
        ],
        "threads": reproduction.threads,
        "device": reproduction.device,
        "seconds": reproduction.seconds,
    }


def _finite_or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None  # JSON has no infinity
