from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from growlearn.domain.lineage import Task
from growlearn.domain.schema import InputType, Label
from growlearn.domain.window import Window, WindowState
from growlearn.drift.sample import Outputs, Sample
from growlearn.drift.task_data import TaskComparisonData
from growlearn.ingest.rows import Column

NOW = datetime(2026, 1, 1, tzinfo=UTC)

MakeTask = Callable[[str, Sequence[Label]], Task]
MakeWindow = Callable[..., Window]
MakeOutputs = Callable[..., Outputs]
MakeSample = Callable[..., Sample]
MakeReference = Callable[..., TaskComparisonData]


@pytest.fixture
def make_task() -> MakeTask:
    """A known task by name and classes."""

    def make(name: str, classes: Sequence[Label]) -> Task:
        return Task(
            stream="s",
            name=name,
            classes=tuple(classes),
            lineage=("b1",),
            head="h",
            holdout="o",
            reference_rows="r",
            window="w1",
            version=1,
        )

    return make


@pytest.fixture
def make_window() -> MakeWindow:
    """An accepted window, with or without a task column."""

    def make(task: str | None = None, rows: int = 200) -> Window:
        return Window(
            stream="s",
            number=2,
            state=WindowState.ACCEPTED,
            source="f",
            discovered_at=NOW,
            updated_at=NOW,
            rows=rows,
            task=task,
        )

    return make


@pytest.fixture
def make_outputs() -> MakeOutputs:
    """Softmax outputs [rows, classes] of a model that prefers its first class by `lean` nats."""

    def make(seed: int, lean: float = 0.0, rows: int = 200, classes: int = 3) -> Outputs:
        logits = np.random.default_rng(seed).normal(size=(rows, classes))
        logits[:, 0] += lean
        odds = np.exp(logits)
        outputs: Outputs = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        return outputs

    return make


@pytest.fixture
def make_sample() -> MakeSample:
    """A sample with the given parts; the other parts are constant, with as many rows."""

    def make(**fields: Any) -> Sample:
        arrays = ("outputs", "features", "targets")
        parts: dict[str, Any] = {key: np.asarray(fields.pop(key)) for key in arrays if key in fields}
        rows = len(next(iter([*parts.values(), *fields.get("inputs", {}).values()])))
        blank: dict[str, Any] = {"inputs": {}, "kinds": {}, "targets": np.full(rows, -1)}
        blank |= {"outputs": np.ones((rows, 1)), "features": np.ones((rows, 1))}
        return Sample(**(blank | parts | fields))

    return make


@pytest.fixture
def make_reference(make_outputs: MakeOutputs, make_sample: MakeSample) -> MakeReference:
    """A task's reference, and a window shifted by `shift` nats."""

    def make(task: str, shift: float, rows: int = 200, seed: int = 0) -> TaskComparisonData:
        return TaskComparisonData(
            task=task,
            reference_sample=make_sample(outputs=make_outputs(seed, rows=rows)),
            window_sample=make_sample(outputs=make_outputs(seed + 1, lean=shift)),
        )

    return make


@pytest.fixture
def make_side() -> MakeSample:
    """A sample with the given columns and a head of two classes that is wrong on `wrong` rows."""

    def make(rows: int = 200, wrong: int = 0, labelled: int | None = None, **inputs: Column) -> Sample:
        targets = np.arange(rows) % 2
        predicted = targets.copy()
        predicted[:wrong] = 1 - predicted[:wrong]
        num_labelled = rows if labelled is None else labelled
        return Sample(
            outputs=np.eye(2)[predicted],
            features=np.zeros((rows, 1)),
            inputs=inputs,
            kinds={name: infer_input_type(column) for name, column in inputs.items()},
            targets=np.where(np.arange(rows) < num_labelled, targets, -1),
        )

    return make


def infer_input_type(column: Column) -> InputType:
    """The input type of a column, by its shape; strings with spaces are texts."""
    if column.dtype == object:
        return InputType.TEXT if any(" " in cell for cell in column if cell) else InputType.CATEGORY
    if column.dtype.kind == "M":
        return InputType.DATETIME
    return {1: InputType.NUMBER, 3: InputType.SERIES, 4: InputType.IMAGE}[column.ndim]
