"""Predictions of a model for a table of rows; an exported model runs this code too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.ingest.formats import RawTable
from growlearn.ingest.row_errors import to_bad_rows
from growlearn.ingest.rows import Column, Rows, make_dummy_row, object_column
from growlearn.ingest.table_rows import parse_for_prediction
from growlearn.network.model.network import load_network
from growlearn.network.router.router import load_router

if TYPE_CHECKING:
    import pandas as pd


class Predictor:
    """Predicts rows with one version's model; `read` returns the stored bytes of a sha256."""

    def __init__(
        self, manifest: Manifest, read: Callable[[str], bytes], execution: Execution = Execution.LOOP
    ) -> None:
        if not manifest.tasks:
            raise GrowLearnError(
                f"the model of stream {manifest.stream!r} has not learned a task yet",
                hint="give it a first window with labels",
            )
        self.manifest = manifest
        self.network = load_network(manifest, read)
        self.network.set_execution(execution, make_dummy_row(manifest.schema))
        self.router = load_router(manifest, self.network.root_stem, read)
        self._routable_tasks = manifest.routable_tasks
        self._mixed_labels = len({type(label) for head in manifest.tasks for label in head.classes}) > 1

    def predict(self, frame: pd.DataFrame, min_probability: float = 0.0) -> pd.DataFrame:
        """Rows of a frame -> prediction, probability (0 to 1) and task, with the frame's own index.

        A row that names a task is predicted by that task or by one of its later versions; other rows are
        routed among all tasks that were not replaced. The prediction is None where its probability is below
        `min_probability`. Raises GrowLearnError naming the first row that cannot be predicted.
        """
        import pandas as pd  # noqa: PLC0415 - rows of a file are predicted without it, half a second sooner

        rows = read_frame_rows(frame, self.manifest)
        prediction, probability, task = self.predict_rows(rows, min_probability)
        return pd.DataFrame(
            {
                "prediction": pd.Series(
                    list(prediction), index=frame.index, dtype=_prediction_dtype(prediction)
                ),
                "probability": pd.Series(probability, index=frame.index),
                "task": pd.Series(list(task), index=frame.index, dtype="str"),
            }
        )

    def predict_rows(self, rows: Rows, min_probability: float = 0.0) -> tuple[Column, Column, Column]:
        """Predicted labels (object [N]), their probabilities (float64 [N]), tasks (object [N]).

        A label with a probability below `min_probability` is None. Labels are text where some tasks have text
        labels and others integers. `rows` must not name unknown tasks: see `find_unknown_task_rows`.
        """
        if not 0 <= min_probability <= 1:
            raise GrowLearnError(f"min_probability {min_probability} must lie between 0 and 1")
        tasks, routing_probability = self._route(rows)
        prediction, probability = object_column([None] * len(rows)), np.zeros(len(rows))
        for name in dict.fromkeys(tasks):
            classes = object_column([self.format_label(label) for label in self.manifest.task(name).classes])
            row_indices = np.flatnonzero(tasks == name)
            outputs = self.network.probabilities(rows.take(row_indices), name)  # [n, C]
            prediction[row_indices] = classes[outputs.argmax(1)]
            probability[row_indices] = outputs.max(1).astype(np.float64)
        probability *= routing_probability
        prediction[probability < min_probability] = None
        return prediction, probability, tasks

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

    def _route(self, rows: Rows) -> tuple[Column, Column]:
        """The task of each row, object [N], given or the most probable one, and its probability [N]."""
        given_tasks = [None] * len(rows) if rows.tasks is None else rows.tasks.tolist()
        tasks, routing_probability = object_column([None] * len(rows)), np.ones(len(rows))
        for name in dict.fromkeys(given_tasks):
            row_indices = np.array(
                [index for index, given_task in enumerate(given_tasks) if given_task == name]
            )
            candidate_tasks = self.manifest.task_versions(name) if name is not None else self._routable_tasks
            if len(candidate_tasks) == 1:
                tasks[row_indices] = candidate_tasks[0]
                continue
            task_probabilities = self.router.probabilities(
                rows.take(row_indices), candidate_tasks
            ).numpy()  # [n, tasks]
            tasks[row_indices] = object_column(candidate_tasks)[task_probabilities.argmax(1)]
            routing_probability[row_indices] = task_probabilities.max(1)
        return tasks, routing_probability

    def format_label(self, label: Label) -> Label:
        """A label as predictions show it: as text where some tasks have text labels and others integers."""
        return str(label) if self._mixed_labels else label


def find_unknown_task_rows(rows: Rows, manifest: Manifest) -> dict[int, str]:
    """Rows that name a task unknown to the model, by index, with the reason."""
    if rows.tasks is None:
        return {}
    known = ", ".join(repr(head.name) for head in manifest.tasks)
    unknown = {name for name in rows.tasks if name is not None and not manifest.task_versions(name)}
    return {
        int(index): f"task {rows.tasks[index]!r} is not known (known tasks: {known})"
        for index in np.flatnonzero([name in unknown for name in rows.tasks])
    }


def read_frame_rows(frame: pd.DataFrame, manifest: Manifest) -> Rows:
    """The rows of a frame, checked like a source file's; raises GrowLearnError at the first bad one."""
    if frame.empty:
        raise GrowLearnError("there are no rows to predict")
    try:
        table = pa.Table.from_pandas(_arrays_to_lists(_convert_to_utc(frame)), preserve_index=False)
    except (pa.ArrowException, ValueError) as error:  # Arrow errors have two arguments
        raise GrowLearnError(
            f"the rows cannot be read: {'; '.join(map(str, error.args))}",
            hint="give every column values of one type and a unique name",
        ) from error
    parsed = parse_for_prediction(RawTable(table), manifest.schema)
    reasons = {bad.row: bad.reason for bad in to_bad_rows(parsed.row_errors)}
    reasons = reasons or find_unknown_task_rows(parsed.rows, manifest)
    if reasons:
        first_row = min(reasons)
        more = f" (and {len(reasons) - 1} more rows)" if len(reasons) > 1 else ""
        raise GrowLearnError(
            f"row {first_row} cannot be predicted: {reasons[first_row]}{more}",
            hint="fix or remove these rows",
        )
    return parsed.rows


def _convert_to_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of times with a zone as UTC without one; pandas warns where Arrow converts the others."""
    zoned = [i for i, kind in enumerate(frame.dtypes) if getattr(kind, "tz", None) is not None]
    converted = frame.copy(deep=False) if zoned else frame
    for index in zoned:
        converted.isetitem(index, frame.iloc[:, index].dt.tz_convert(None))
    return converted


def _arrays_to_lists(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert multidimensional array cells to nested lists, which Arrow reads."""
    objects = frame.loc[:, [dtype == np.dtype(object) for dtype in frame.dtypes]]
    if not any(_is_multidimensional(cell) for cell in objects.to_numpy().flat):
        return frame
    return frame.map(lambda cell: cell.tolist() if _is_multidimensional(cell) else cell)


def _is_multidimensional(cell: object) -> bool:
    return isinstance(cell, np.ndarray) and cell.ndim > 1


def _prediction_dtype(prediction: Column) -> str:
    return "int64" if all(isinstance(label, int) for label in prediction) else "object"
