"""What a version answers to labelled rows as it is served, for metrics of whole windows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from growlearn.domain.schema import Label
from growlearn.ingest.rows import Rows
from growlearn.metrics import NO_ANSWER, ScoredRows
from growlearn.serving.known_tasks import find_unknown_task_rows
from growlearn.serving.predictor import Predictor


def score_served_rows(predictor: Predictor, rows: Rows, more_labels: Iterable[Label] = ()) -> ScoredRows:
    """Probabilities and predictions of N labelled rows over all labels of model, rows and `more_labels`.

    Columns are in the order of labels as text, so two models of one stream that get each other's labels have
    the same. A row that names an unknown task has no answer, nor has one whose probabilities are no numbers.
    The positive label of a model of two is that of its first task.
    """
    labels = sorted({*predictor.labels, *map(str, rows.labels), *map(str, more_labels)})
    index = {label: position for position, label in enumerate(labels)}
    probabilities = np.zeros((len(rows), len(labels)))
    predicted = np.full(len(rows), NO_ANSWER, dtype=np.int64)
    known = np.setdiff1d(np.arange(len(rows)), list(find_unknown_task_rows(rows, predictor.manifest)))
    if len(known):
        answers = predictor.answer(rows.take(known), proba=True)
        is_answer = np.isfinite(answers.class_probabilities).all(axis=1)
        columns = np.array([index[label] for label in predictor.labels])
        probabilities[np.ix_(known[is_answer], columns)] = answers.class_probabilities[is_answer]
        predicted[known[is_answer]] = [index[str(label)] for label in answers.prediction[is_answer]]
    positive = predictor.manifest.tasks[0].positive_class
    return ScoredRows(
        probabilities,
        predicted,
        np.array([index[str(label)] for label in rows.labels], dtype=np.int64),
        index[str(positive)] if len(predictor.labels) == 2 and positive is not None else None,
    )
