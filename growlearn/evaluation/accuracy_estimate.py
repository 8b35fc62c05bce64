"""The accuracy of rows without labels, from the calibrated probabilities of their predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from growlearn.domain.interval import CONFIDENCE, ConfidenceInterval
from growlearn.ingest.rows import Column, Rows, object_column
from growlearn.serving.known_tasks import find_unknown_task_rows
from growlearn.serving.predictor import Predictor

_CHUNK_ROWS = 2048


@dataclass(frozen=True, eq=False)
class ServedAnswers:
    """What a version answers to N rows: the probability that each is right, float64 [N], and its task [N].

    A row that names a task that the version does not have is wrong: probability 0, task None. So is one whose
    probability is no number. `correct` (bool [N]) is False where the label is not known.
    """

    probability: npt.NDArray[np.float64]
    task: Column
    correct: npt.NDArray[np.bool_]


def answer_rows(predictor: Predictor, rows: Rows) -> ServedAnswers:
    """Answer N rows as they are served."""
    answers = ServedAnswers(
        np.zeros(len(rows)), object_column([None] * len(rows)), np.zeros(len(rows), dtype=bool)
    )
    known = np.setdiff1d(np.arange(len(rows)), list(find_unknown_task_rows(rows, predictor.manifest)))
    for start in range(0, len(known), _CHUNK_ROWS):
        indices = known[start : start + _CHUNK_ROWS]
        part = predictor.answer(rows.take(indices))
        answers.probability[indices] = np.nan_to_num(part.probability, nan=0.0)
        answers.task[indices] = part.task
        answers.correct[indices] = [
            label is not None and predictor.format_label(label) == prediction
            for label, prediction in zip(rows.labels[indices], part.prediction, strict=True)
        ]
    return answers


def estimate_accuracy(
    probability: npt.NDArray[np.float64], task: Column, reference_rows: Mapping[str, int]
) -> tuple[float, ConfidenceInterval]:
    """The accuracy on N >= 1 rows, and where it lies with a probability of 95 %.

    The average confidence: mean p, p being the probability of each row's prediction (Guillory et al. 2021).
    The number of correct rows is Poisson-binomial, with variance sum p (1 - p) (Hong 2013); the calibration
    of each task t was fitted on `reference_rows` n_t rows, which adds (N_t / N)^2 v_t / n_t, with v_t the
    mean p (1 - p) of its N_t rows. Normal approximation, half a row added at either end. It holds while
    the probabilities are calibrated: labels that change while the inputs do not are not seen.

    >>> p, tasks = np.full(400, 0.9), object_column(["a"] * 400)
    >>> accuracy, interval = estimate_accuracy(p, tasks, {"a": 100})
    >>> round(accuracy, 3), round(interval.low, 3), round(interval.high, 3)
    (0.9, 0.833, 0.967)
    """
    count, spread = len(probability), probability * (1 - probability)
    variance = float(spread.sum()) / count**2
    for name, num_reference in reference_rows.items():
        of_task = task == name
        if of_task.any():
            variance += float(of_task.mean() ** 2 * spread[of_task].mean() / max(num_reference, 1))
    mean = float(probability.mean())
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * variance**0.5 + 0.5 / count
    return mean, ConfidenceInterval(max(0.0, mean - half), min(1.0, mean + half))
