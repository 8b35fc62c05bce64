"""A Hypothesis strategy for predictions."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from growlearn.evaluation.predictions import Predictions


@st.composite
def predictions(draw: st.DrawFn, max_classes: int = 5, max_rows: int = 40) -> Predictions:
    """Logits on a coarse grid, so that ties occur, and labels that may be outside the task's classes."""
    classes, rows = draw(st.integers(2, max_classes)), draw(st.integers(1, max_rows))
    grid = st.integers(-20, 20).map(lambda number: number / 2)
    logits = draw(st.lists(grid, min_size=rows * classes, max_size=rows * classes))
    targets = draw(st.lists(st.integers(0, classes), min_size=rows, max_size=rows))
    return Predictions(np.array(logits, np.float32).reshape(rows, classes), np.array(targets, np.int64))
