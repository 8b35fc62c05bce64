"""What makes a row worth a label: the head's doubt, the router's, or no model at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from growlearn.domain.lineage import TaskHead
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.serving.label_queue import rate_rows
from growlearn.serving.predictor import Answers

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, task="task")


class Sure:
    """Answers 1; a row's x names the probability of the label before the point, of the task after it."""

    labels = ("0", "1")
    manifest: Any = SimpleNamespace(
        tasks=(TaskHead(name="a", classes=(0, 1), lineage=("b1",), sha256="0" * 64),),
        task_versions=lambda name: ["a"] if name == "a" else [],
        schema=SCHEMA,
    )

    def answer(self, rows: Rows, *, proba: bool) -> Answers:
        of_label = np.floor(rows.inputs["x"]) / 10
        of_task = rows.inputs["x"] % 1
        ones = object_column([1] * len(rows))
        names = object_column(["a"] * len(rows))
        return Answers(ones, of_label * of_task, names, np.stack([1 - of_label, of_label], 1))


def make_rows(*x: float, tasks: list[str | None]) -> Rows:
    inputs = {"x": np.array(x)}
    none = object_column([None] * len(x))
    return Rows(inputs, none, object_column(tasks), hash_rows(inputs, SCHEMA))


def test_rows_come_in_the_order_of_their_doubt_with_its_reason() -> None:
    sure: Any = Sure()
    rows = make_rows(8.9, 6.9, 9.5, 8.9, tasks=[None, None, None, "new"])
    rated = rate_rows(sure, rows)
    assert rated.order().tolist() == [3, 2, 1, 0]
    assert rated.reason.tolist() == ["unsure", "unsure", "between tasks", "new task"]
    assert rated.prediction.tolist() == [1, 1, 1, None]
    np.testing.assert_allclose(rated.probability, [0.72, 0.54, 0.45, np.nan])


def test_without_a_model_all_rows_are_worth_the_same() -> None:
    rated = rate_rows(None, make_rows(1, 2, tasks=[None, "a"]))
    assert (rated.order().tolist(), rated.reason.tolist()) == ([0, 1], ["new task"] * 2)
