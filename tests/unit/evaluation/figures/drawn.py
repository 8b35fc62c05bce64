"""Any answers to any rows, for tests of what holds of all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from growlearn.evaluation.answers import Answers


@st.composite
def answers(draw: st.DrawFn, most_classes: int = 5, most_rows: int = 40) -> Answers:
    """Logits on a coarse grid, so that equal ones occur, and labels that may be no class of the task."""
    classes, rows = draw(st.integers(2, most_classes)), draw(st.integers(1, most_rows))
    grid = st.integers(-20, 20).map(lambda number: number / 2)
    logits = draw(st.lists(grid, min_size=rows * classes, max_size=rows * classes))
    truth = draw(st.lists(st.integers(0, classes), min_size=rows, max_size=rows))
    return Answers(np.array(logits, np.float32).reshape(rows, classes), np.array(truth, np.int64))
