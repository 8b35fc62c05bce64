"""Hold-out files name tasks as the task column does, whatever version of a task is grown."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growlearn.adapters.memory.source import MemorySource
from growlearn.domain.errors import CannotGrow
from growlearn.domain.file_limits import DEFAULT_LIMITS
from growlearn.domain.job import HoldoutFiles, Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import object_column
from growlearn.pipeline.new_task import load_holdout_files

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y", task="t")
JOB = Job(name="s", source=SourceConfig(url="m"), schema=SCHEMA, holdout=HoldoutFiles(url="held-out"))


def make_context(task_of_rows: str) -> Any:
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": [0, 1, 2, 1], "t": ["a"] * 3 + ["a/2"]}), sink)
    source = MemorySource({"h.parquet": sink.getvalue()})
    return SimpleNamespace(
        job=JOB,
        rows=lambda: SimpleNamespace(tasks=object_column([task_of_rows] * 2)),
        ports=SimpleNamespace(open_source=lambda _: source, limits=DEFAULT_LIMITS),
    )


@pytest.mark.parametrize(("task_of_rows", "held_out"), [("a", 3), ("a/2", 1)])
def test_the_rows_of_the_window_say_which_task_is_meant(task_of_rows: str, held_out: int) -> None:
    """A later version of "a" is "a/2"; a task may have that name too."""
    assert len(load_holdout_files(make_context(task_of_rows), "a/2", int).rows) == held_out


def test_a_task_without_a_row_there_cannot_be_grown() -> None:
    with pytest.raises(CannotGrow, match="no labelled hold-out row of task 'b'"):
        load_holdout_files(make_context("b"), "b", int)
