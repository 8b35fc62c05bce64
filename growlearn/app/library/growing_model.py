"""A classifier for scripts and notebooks that grows with its data, in the manner of scikit-learn."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from growlearn.app.library.columns import (
    Features,
    Labels,
    append_column,
    find_image_shape,
    to_table,
)
from growlearn.app.library.first_job import STREAM_NAME, write_first_job
from growlearn.app.library.stream import Stream
from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.network.router.routed_inference import shown_labels
from growlearn.registry.version_tree import get_version
from growlearn.serving.predictor import PROBABILITY_PREFIX

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from growlearn.domain.schema import Schema
    from growlearn.domain.window import Window

_TASK = "task"


class GrowingModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A stream of its own behind `partial_fit` and `predict`.

    Each `partial_fit` is one window: it is tested for drift, learned from where that pays, evaluated on rows
    that are held out, and taken over only where the gates allow it; `windows_` says what was decided and why.
    `job` has keys of a job file that replace the defaults, such as `{"metric": "roc_auc"}`. With a `home`
    folder the model is there again in the next process, and `growlearn` commands read it; else it ends with
    this object.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 2))
    >>> model = GrowingModel(job={"growth": {"epochs": 2}})
    >>> model.partial_fit(x, (x[:, 0] > 0).astype(int)).windows_[-1].verdict.value
    'first'
    >>> model.predict(np.array([[3.0, 0.0], [-3.0, 0.0]])).tolist()
    [1, 0]
    """

    def __init__(self, job: Mapping[str, Any] | None = None, home: Path | str | None = None) -> None:
        """Nothing is opened or written before the first rows."""
        self.job = job
        self.home = home

    def partial_fit(
        self,
        X: Features,  # noqa: N803 - scikit-learn's own name
        y: Labels,
        task: str | None = None,
    ) -> Self:
        """Take rows X [N, ...] with labels y [N] in as one window, and do what the job says.

        y may hold None where a label is not known yet. `task` names the regime that the rows are of, where
        the first rows named one; else drift decides. New labels are learned as they come, so there is no
        `classes`. Raises GrowLearnError where the first rows are too few to learn from, or cannot be read.
        """
        stream = self._find_stream()
        schema = None if stream is None else stream.job.schema
        table = self._add_task(to_table(X, schema), schema, task)
        label = _choose_label(table) if schema is None else schema.label
        if label in table.column_names:
            raise GrowLearnError(f"X has a column {label!r}, which is that of the labels", hint="rename it")
        table = append_column(table, label, y)
        if stream is None:
            stream = self._create_stream(table, label, find_image_shape(X))
        handled = stream.learn(table)
        if stream.champion is None:
            reason = handled[-1].reason if handled else "no row could be read"
            raise GrowLearnError(f"nothing could be learned: {reason}", hint="give more labelled rows")
        return self

    def predict(self, X: Features, task: str | None = None) -> npt.NDArray[Any]:  # noqa: N803
        """The label of each row [N]; rows are routed among the tasks, unless `task` names theirs."""
        return np.asarray(self._answer(X, task)["prediction"].to_numpy())

    def predict_proba(self, X: Features, task: str | None = None) -> npt.NDArray[np.float64]:  # noqa: N803
        """The probability of each of `classes_` for each row [N, K]."""
        answers = self._answer(X, task, proba=True)
        return answers.filter(like=PROBABILITY_PREFIX).to_numpy(np.float64)

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """All labels that the champion knows, as `predict` gives them and in the order of `predict_proba`.

        That is task by task, the oldest first; within a task integers by value, and text alphabetically.
        Where some tasks have text labels and others integers, all are text.
        """
        stream = self.stream_
        return np.array(shown_labels(get_version(stream.versions, stream.require_champion()).manifest))

    @property
    def windows_(self) -> Sequence[Window]:
        """What became of each `partial_fit`: state, verdict and reason."""
        return self.stream_.windows

    @property
    def stream_(self) -> Stream:
        """The stream behind the model, with its versions, matrix and rollback."""
        stream = self._find_stream()
        if stream is None:
            raise GrowLearnError("the model has not learned anything yet", hint="call partial_fit first")
        return stream

    def _answer(self, features: Features, task: str | None, *, proba: bool = False) -> pd.DataFrame:
        schema = self.stream_.job.schema
        return self.stream_.predict(self._add_task(to_table(features, schema), schema, task), proba=proba)

    def _add_task(self, table: pa.Table, schema: Schema | None, task: str | None) -> pa.Table:
        """The table with the column of the task, where one is named."""
        if task is None:
            return table
        if schema is not None and schema.task is None:
            raise GrowLearnError(
                f"task {task!r} is named, but the model's first rows named none", hint="leave it out"
            )
        name = _TASK if schema is None or schema.task is None else schema.task
        return append_column(table, name, [task] * table.num_rows)

    def _find_stream(self) -> Stream | None:
        """The stream that is open, or that the home folder has already."""
        if "_stream" not in self.__dict__ and self.home is not None:
            with suppress(NotFound):
                self._stream = Stream(STREAM_NAME, self.home)
        return self.__dict__.get("_stream")

    def _create_stream(self, table: pa.Table, label: str, image_shape: tuple[int, int, int] | None) -> Stream:
        home = self._make_folder() if self.home is None else Path(self.home).expanduser().resolve()
        source = home / "rows"
        source.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stream = Stream.create(write_first_job(source, table, label, image_shape, self.job or {}), home)
        return self._stream

    def _make_folder(self) -> Path:
        """A folder that ends with this object."""
        folder = tempfile.mkdtemp(prefix="growlearn-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)


def _choose_label(table: pa.Table) -> str:
    """A name for the label's column that no input has."""
    return next(name for number in count() if (name := "label" + "_" * number) not in table.column_names)
