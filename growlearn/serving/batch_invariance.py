"""Whether a row's answer depends on the rows that are answered with it: to the last bit, as measured.

Libraries sum a product in an order that may depend on its number of rows. Only rows whose answers do not
depend on that may be answered together with those of other requests.
"""

from __future__ import annotations

import numpy as np

from growlearn.ingest.rows import Rows
from growlearn.serving.predictor import Answers, Predictor

MAX_SHARED_ROWS = 32
"""Rows of several requests that are answered at once, at most."""


def measure_shared_rows(predictor: Predictor, probe: Rows, max_rows: int = MAX_SHARED_ROWS) -> int:
    """The largest batch up to which every row of `probe` has the same answer as alone; 1 where there is none.

    `probe` are N rows without a task; they are repeated where a batch has more.
    """
    if not len(probe):
        return 1
    rows = probe.take(np.arange(max_rows) % len(probe))
    alone = [predictor.answer(part, proba=True) for part in rows.slices(1)]
    probability = np.concatenate([answers.probability for answers in alone])  # [max_rows]
    class_probabilities = np.concatenate([answers.class_probabilities for answers in alone])
    for size in range(2, max_rows + 1):
        answers = predictor.answer(rows.take(np.arange(size)), proba=True)
        if not _is_equal(answers, probability[:size], class_probabilities[:size]):
            return size - 1
    return max_rows


def _is_equal(answers: Answers, probability: object, class_probabilities: object) -> bool:
    return bool(
        np.array_equal(answers.probability, np.asarray(probability), equal_nan=True)
        and np.array_equal(answers.class_probabilities, np.asarray(class_probabilities), equal_nan=True)
    )
