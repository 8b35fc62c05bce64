"""A model's answers for a table of rows; also the code that an exported model runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.growth.model.network import load_network
from growlearn.growth.router.router import load_router
from growlearn.ingest.rows import Column, Rows, blank_row, object_column
from growlearn.ingest.table_rows import read_table_rows


class Predictor:
    """Answers rows with one version's model; `read` gives the stored bytes of a sha256."""

    def __init__(
        self, manifest: Manifest, read: Callable[[str], bytes], execution: Execution = Execution.LOOP
    ) -> None:
        if not manifest.tasks:
            raise GrowLearnError(
                f"the model of stream {manifest.stream!r} has not learned a task yet",
                cure="give it a first window with labels",
            )
        self.manifest = manifest
        self.network = load_network(manifest, read)
        self.network.execute(execution, blank_row(manifest.schema))
        self.router = load_router(manifest, self.network.root_stem, read)
        self._active = manifest.active
        self._mixed_labels = len({type(label) for head in manifest.tasks for label in head.classes}) > 1

    def predict(self, frame: pd.DataFrame, min_probability: float = 0.0) -> pd.DataFrame:
        """Rows of a frame -> prediction, probability (0 to 1) and task, on the frame's own index.

        A row whose task column names a task is answered by it or by its nearest later regime; other
        rows are routed among all tasks that none has superseded. Of a row less probable than asked for the
        prediction is left open (None). Raises GrowLearnError naming the first row that cannot be answered.
        """
        rows = rows_of(frame, self.manifest)
        prediction, probability, task = self.answer(rows, min_probability)
        return pd.DataFrame(
            {
                "prediction": pd.Series(list(prediction), index=frame.index, dtype=_dtype(prediction)),
                "probability": pd.Series(probability, index=frame.index),
                "task": pd.Series(list(task), index=frame.index, dtype="str"),
            }
        )

    def answer(self, rows: Rows, min_probability: float = 0.0) -> tuple[Column, Column, Column]:
        """Predicted labels (object [N]), their probabilities (float64 [N]), tasks (object [N]).

        A label of a probability below min_probability is None. Labels are text where some tasks' are text
        and others' integers. Rows that name an unknown task must be left out: see `unanswerable`.
        """
        if not 0 <= min_probability <= 1:
            raise GrowLearnError(f"min_probability {min_probability} must lie between 0 and 1")
        tasks, certain = self._tasks_of(rows)
        prediction, probability = object_column([None] * len(rows)), np.zeros(len(rows))
        for name in dict.fromkeys(tasks):
            classes = object_column([self.spelt(label) for label in self.manifest.task(name).classes])
            mine = np.flatnonzero(tasks == name)
            outputs = self.network.outputs(rows.take(mine), name)  # [n, C]
            prediction[mine] = classes[outputs.argmax(1)]
            probability[mine] = outputs.max(1).astype(np.float64)
        probability *= certain
        prediction[probability < min_probability] = None
        return prediction, probability, tasks

    def right(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Whether each of N labelled rows is answered right, bool [N]; one of an unknown task is not."""
        right = np.zeros(len(rows), dtype=bool)
        known = np.setdiff1d(np.arange(len(rows)), list(unanswerable(rows, self.manifest)))
        if len(known):
            said, _, _ = self.answer(rows.take(known))
            wanted = [self.spelt(label) for label in rows.labels[known]]
            right[known] = [each == label for each, label in zip(said, wanted, strict=True)]
        return right

    def _tasks_of(self, rows: Rows) -> tuple[Column, Column]:
        """The task that answers each row, object [N], named or the likeliest, and how likely it is."""
        named = [None] * len(rows) if rows.tasks is None else rows.tasks.tolist()
        tasks, certain = object_column([None] * len(rows)), np.ones(len(rows))
        for name in dict.fromkeys(named):
            mine = np.array([at for at, each in enumerate(named) if each == name])
            among = self.manifest.regimes(name) if name is not None else self._active
            if len(among) == 1:
                tasks[mine] = among[0]
                continue
            likely = self.router.probabilities(rows.take(mine), among).numpy()  # [n, tasks]
            tasks[mine] = object_column(among)[likely.argmax(1)]
            certain[mine] = likely.max(1)
        return tasks, certain

    def spelt(self, label: Label) -> Label:
        """A label as it stands in answers: as text where some tasks' labels are text and others' integers."""
        return str(label) if self._mixed_labels else label


def unanswerable(rows: Rows, manifest: Manifest) -> dict[int, str]:
    """Rows that name a task the model does not know, by index, with the reason."""
    if rows.tasks is None:
        return {}
    known = ", ".join(repr(head.name) for head in manifest.tasks)
    unknown = {name for name in rows.tasks if name is not None and not manifest.regimes(name)}
    return {
        int(at): f"task {rows.tasks[at]!r} is not known (known tasks: {known})"
        for at in np.flatnonzero([name in unknown for name in rows.tasks])
    }


def rows_of(frame: pd.DataFrame, manifest: Manifest) -> Rows:
    """The rows of a frame, checked like a source file's; raises GrowLearnError at the first bad one."""
    if frame.empty:
        raise GrowLearnError("there are no rows to answer")
    try:
        table = pa.Table.from_pandas(_listed(frame), preserve_index=False)
    except (pa.ArrowException, ValueError) as error:  # ArrowInvalid and ArrowTypeError have two arguments
        raise GrowLearnError(
            f"the rows cannot be read: {'; '.join(map(str, error.args))}",
            cure="give every column values of one type, and a name of its own",
        ) from error
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    rows, bad = read_table_rows(
        {"frame.arrow": sink.getvalue().to_pybytes()}, manifest.schema, for_prediction=True
    )
    reasons = {flaw.row: flaw.reason for flaw in bad} or unanswerable(rows, manifest)
    if reasons:
        first = min(reasons)
        more = f" (and {len(reasons) - 1} more rows)" if len(reasons) > 1 else ""
        raise GrowLearnError(
            f"row {first} cannot be answered: {reasons[first]}{more}", cure="mend or leave out these rows"
        )
    return rows


def _listed(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells that are arrays of several dimensions as lists in lists, which Arrow understands."""
    objects = frame.loc[:, [pd.api.types.is_object_dtype(kind) for kind in frame.dtypes]]
    if not any(_is_nested(cell) for cell in objects.to_numpy().flat):
        return frame
    return frame.map(lambda cell: cell.tolist() if _is_nested(cell) else cell)


def _is_nested(cell: object) -> bool:
    return isinstance(cell, np.ndarray) and cell.ndim > 1


def _dtype(prediction: Column) -> str:
    return "int64" if all(isinstance(label, int) for label in prediction) else "object"
