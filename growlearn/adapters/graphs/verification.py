"""Whether a written file answers as the version does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import TaskHead
from growlearn.ingest.rows import Column, Rows, object_column
from growlearn.network.graph.inputs import Arrays
from growlearn.network.graph.prediction import PredictionGraph
from growlearn.network.head_output import Logits, calibrate_logits, to_probabilities
from growlearn.serving.predictor import Answers, Predictor

_BATCHES = (1, 2)  # sizes that are asked first; then all other rows at once


@dataclass(frozen=True, kw_only=True)
class GraphVerification:
    """How a file's answers to `rows` rows differ from the version's.

    `max_difference` is that of any probability. `undecided` rows have two classes, or two tasks, so close to
    each other that rounding decides; of all others the class and the task are the same.
    """

    rows: int
    max_difference: float
    tolerance: float
    undecided: int


def verify_file(
    ask: Callable[[Arrays], Arrays],
    graph: PredictionGraph,
    predictor: Predictor,
    rows: Rows,
    task: str | None,
    tolerance: float,
) -> GraphVerification:
    """Ask a file for N rows of a task, or of none, and compare; raises GrowLearnError where it differs."""
    tasks = None if task is None else object_column([task] * len(rows))
    expected = predictor.answer(replace(rows, tasks=tasks), proba=True)
    outputs = _ask_in_batches(ask, graph, rows)
    names = object_column([head.name for head in graph.answering.heads])
    routed = names[outputs["task"]] if "task" in outputs else np.full(len(rows), names[0], object)
    labels = object_column(list(graph.answering.labels))
    is_undecided = _margins(graph.answering.heads, predictor, rows, expected) <= 2 * tolerance
    is_other = (labels[outputs["prediction"]] != expected.prediction) | (routed != expected.task)
    is_same_task = routed == expected.task
    of_answers = np.abs(outputs["probability"].astype(np.float64) - expected.probability)
    of_classes = _max_difference(graph, predictor, outputs, expected, is_same_task)
    difference = float(of_answers[is_same_task & ~is_other].max(initial=of_classes))  # NaN where either is
    num_wrong = int((is_other & ~is_undecided).sum())
    if num_wrong or not difference <= tolerance:
        raise GrowLearnError(
            f"the written file does not answer as the version does: {num_wrong} of {len(rows)} rows have "
            f"another class or task, and probabilities differ by {difference:.2g}, not {tolerance:g} at most",
            hint="export the version with --format mlflow",
        )
    return GraphVerification(
        rows=len(rows),
        max_difference=difference,
        tolerance=tolerance,
        undecided=int(is_undecided.sum()),
    )


def _ask_in_batches(ask: Callable[[Arrays], Arrays], graph: PredictionGraph, rows: Rows) -> Arrays:
    ends = np.cumsum(_BATCHES)
    indices = [part for part in np.split(np.arange(len(rows)), ends) if len(part)]
    answers = []
    for part in indices:
        tensors = graph.inputs.encode(rows.take(part))
        answers.append(ask({name: tensor.numpy() for name, tensor in tensors.items()}))
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def _max_difference(
    graph: PredictionGraph, predictor: Predictor, outputs: Arrays, expected: Answers, is_same_task: Column
) -> float:
    """Of the probabilities of rows that were routed alike; NaN where one is NaN on one side alone."""
    columns = [predictor.labels.index(str(label)) for label in graph.answering.labels]
    wanted = expected.class_probabilities[:, columns][is_same_task]
    given = outputs["probabilities"].astype(np.float64)[is_same_task]
    return float(np.abs(given - wanted).max(initial=0.0))


def _margins(heads: tuple[TaskHead, ...], predictor: Predictor, rows: Rows, expected: Answers) -> Column:
    """How far each row is from another class or task, as a difference of probabilities: float64 [N]."""
    margins = np.full(len(rows), np.inf)
    if len(heads) > 1:
        margins = _lead(predictor.router.probabilities(rows, [head.name for head in heads]).numpy())
    for head in heads:
        indices = np.flatnonzero(expected.task == head.name)
        logits = predictor.network.logits(rows.take(indices), head.name)
        margins[indices] = np.minimum(margins[indices], _class_margins(head, logits))
    return margins


def _class_margins(head: TaskHead, logits: Logits) -> Column:
    if head.threshold is None:
        return _lead(to_probabilities(logits))
    probabilities = to_probabilities(calibrate_logits(logits, head.calibration))
    return np.asarray(np.abs(probabilities[:, 1].astype(np.float64) - head.threshold))


def _lead(probabilities: Logits) -> Column:
    """By how much the largest of each row exceeds the second: [N, C] -> float64 [N]."""
    if probabilities.shape[1] < 2:
        return np.full(len(probabilities), np.inf)
    second, first = np.sort(probabilities.astype(np.float64), axis=1)[:, -2:].T
    return np.asarray(first - second)
