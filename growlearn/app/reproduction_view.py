"""What making a version again says, as plain data with the documented keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from growlearn.app.reproducing import Reproduction

View = Mapping[str, Any]


def reproduction_view(made: Reproduction) -> View:
    """The verdict, the figures, every place that differs and every circumstance that does."""
    found, apart = made.comparison, made.differences
    return {
        "stream": made.version.stream,
        "version": made.version.number,
        "window": made.version.window,
        "retrained": list(made.branches),
        "verdict": made.likeness.value,
        "tolerance": made.tolerance,
        "answer_difference": _finite(found.answers),
        "weight_difference": _finite(found.weights),
        "compared_rows": found.rows,
        "places": [
            {"part": place.part, "tensor": place.tensor, "difference": _finite(place.difference)}
            for place in found.places
        ],
        "circumstances": None
        if apart is None
        else [{"name": each.name, "recorded": each.recorded, "here": each.here} for each in apart],
        "threads": made.threads,
        "seconds": made.seconds,
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None  # JSON has no infinity
