"""Predictions of a model for a table of rows; an exported model runs this code too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.ingest.rows import Column, Rows, make_dummy_row, object_column
from growlearn.network.devices import CPU_DEVICE
from growlearn.network.head_output import to_probabilities
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.routed_inference import predict_task, route, shown_labels
from growlearn.network.router.router import Router, load_router
from growlearn.serving.known_tasks import find_unknown_task_rows

if TYPE_CHECKING:
    import pandas as pd

PROBABILITY_PREFIX = "probability_"
"""Of the name of a column that holds the probability of one class."""


@dataclass(frozen=True, eq=False)
class Answers:
    """A model's answers to N rows.

    `prediction` (object [N]) are labels, `probability` (float64 [N]) is that of the label and, where the row
    was routed, of its `task` (object [N]). `class_probabilities` (float64 [N, K]), where they were asked for,
    are those of all K labels of the model, given the task: they sum to 1, and are 0 for labels that the task
    does not have; else K is 0.
    """

    prediction: Column
    probability: Column
    task: Column
    class_probabilities: npt.NDArray[np.float64]


class Predictor:
    """Predicts rows with one version's model; `read` returns the stored bytes of a sha256.

    The network is on `device`, whatever device trained it; rows and answers are NumPy arrays. Where network
    and router are open already they are given as `opened`, and run as they are.
    """

    def __init__(
        self,
        manifest: Manifest,
        read: Callable[[str], bytes],
        execution: Execution = Execution.LOOP,
        device: torch.device = CPU_DEVICE,
        opened: tuple[GrowingNetwork, Router] | None = None,
    ) -> None:
        if not manifest.tasks:
            raise GrowLearnError(
                f"the model of stream {manifest.stream!r} has not learned a task yet",
                hint="give it a first window with labels",
            )
        self.manifest = manifest
        if opened is not None:
            self.network, self.router = opened
        else:
            self.network = load_network(manifest, read, device=device)
            self.network.set_execution(execution, make_dummy_row(manifest.schema))
            self.router = load_router(manifest, self.network.root_stem, read)
        self._mixed_labels = len({type(label) for head in manifest.tasks for label in head.classes}) > 1

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels of the model as text, in the order of `shown_labels` and of `class_probabilities`."""
        return tuple(map(str, shown_labels(self.manifest)))

    def predict(self, frame: pd.DataFrame, min_probability: float = 0.0, proba: bool = False) -> pd.DataFrame:
        """Rows of a frame -> prediction, probability (0 to 1) and task, with the frame's own index.

        A row that names a task is predicted by that task or by one of its later versions; other rows are
        routed among all tasks that were not replaced. The prediction is None where its probability is below
        `min_probability`. With `proba` there is also a column `probability_CLASS` for each class. Raises
        GrowLearnError naming the first row that cannot be predicted.
        """
        # The rows of a file are predicted without pandas, half a second sooner.
        from growlearn.serving.frame_rows import read_frame_rows  # noqa: PLC0415

        answers = self.answer(read_frame_rows(frame, self.manifest), min_probability, proba)
        return self.to_frame(answers, frame.index)

    def to_frame(self, answers: Answers, index: pd.Index | None = None) -> pd.DataFrame:
        """Answers as `predict` returns them, with an index of N rows."""
        import pandas as pd  # noqa: PLC0415

        columns = {
            "prediction": pd.Series(
                list(answers.prediction), index=index, dtype=_prediction_dtype(answers.prediction)
            ),
            "probability": pd.Series(answers.probability, index=index),
            "task": pd.Series(list(answers.task), index=index, dtype="str"),
        }
        for name, values in self.probability_columns(answers).items():
            columns[name] = pd.Series(values, index=index)
        return pd.DataFrame(columns)

    def probability_columns(self, answers: Answers) -> dict[str, Column]:
        """The probability of each class, float64 [N], by the name of its column; empty if not asked for."""
        columns = answers.class_probabilities.T  # [K, N]
        return {
            f"{PROBABILITY_PREFIX}{label}": column
            for label, column in zip(self.labels, columns, strict=False)
        }

    def predict_rows(self, rows: Rows, min_probability: float = 0.0) -> tuple[Column, Column, Column]:
        """Predicted labels (object [N]), their probabilities (float64 [N]), tasks (object [N])."""
        answers = self.answer(rows, min_probability)
        return answers.prediction, answers.probability, answers.task

    def answer(self, rows: Rows, min_probability: float = 0.0, proba: bool = False) -> Answers:
        """Answers to N rows, which must not name unknown tasks: see `find_unknown_task_rows`.

        A label with a probability below `min_probability` is None. Labels are text where some tasks have text
        labels and others integers. `proba` asks for the probability of each class.
        """
        if not 0 <= min_probability <= 1:
            raise GrowLearnError(f"min_probability {min_probability} must lie between 0 and 1")
        tasks, routing_probability = route(self.router, self.manifest, rows)
        prediction, probability = object_column([None] * len(rows)), np.zeros(len(rows))
        labels = self.labels if proba else ()
        class_probabilities = np.zeros((len(rows), len(labels)))  # [N, K]
        for name in dict.fromkeys(tasks):
            head = self.manifest.task(name)
            classes = object_column([self.format_label(label) for label in head.classes])
            row_indices = np.flatnonzero(tasks == name)
            calibrated, chosen = predict_task(self.network, head, rows.take(row_indices))
            outputs = to_probabilities(calibrated).astype(np.float64)  # [n, C]
            prediction[row_indices] = classes[chosen]
            probability[row_indices] = outputs[np.arange(len(chosen)), chosen]
            if proba:
                columns = np.array([labels.index(str(label)) for label in head.classes])
                class_probabilities[np.ix_(row_indices, columns)] = outputs / outputs.sum(1, keepdims=True)
        probability *= routing_probability
        prediction[probability < min_probability] = None
        return Answers(prediction, probability, tasks, class_probabilities)

    def is_correct(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Whether each of N labelled rows is predicted correctly, bool [N]; False for an unknown task."""
        correct = np.zeros(len(rows), dtype=bool)
        known_rows = np.setdiff1d(np.arange(len(rows)), list(find_unknown_task_rows(rows, self.manifest)))
        if len(known_rows):
            predictions, _, _ = self.predict_rows(rows.take(known_rows))
            targets = [self.format_label(label) for label in rows.labels[known_rows]]
            correct[known_rows] = [
                prediction == label for prediction, label in zip(predictions, targets, strict=True)
            ]
        return correct

    def format_label(self, label: Label) -> Label:
        """A label as predictions show it: as text where some tasks have text labels and others integers."""
        return str(label) if self._mixed_labels else label


def _prediction_dtype(prediction: Column) -> str:
    return "int64" if all(isinstance(label, int) for label in prediction) else "object"
