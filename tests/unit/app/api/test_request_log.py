"""The request log: when files are written, what is kept when they cannot be, and what is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.api import request_log
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.request_log import RequestLog
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Job, SourceConfig, WindowingConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.serving_config import RequestLogConfig, ServingConfig
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.ingest.table_rows import read_table_rows
from growlearn.serving.json_rows import JsonRows
from growlearn.serving.micro_batches import Answered
from growlearn.serving.predictor import Answers

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, id_column="id")


def make_job(config: RequestLogConfig | None, pattern: str = "*") -> Job:
    return Job(
        name="s",
        source=SourceConfig(url="in", pattern=pattern),
        schema=SCHEMA,
        windowing=WindowingConfig(rows=10),
        serving=ServingConfig(request_log=config),
    )


class Process:
    """The log of one API process whose source is a list of files, on a clock that stands still."""

    def __init__(self, config: RequestLogConfig | None = RequestLogConfig(flush_rows=3)) -> None:  # noqa: B008
        self.job = make_job(config)
        self.clock, self.metrics = ManualClock(), ApiMetrics()
        self.files: dict[str, list[str]] = {}
        self.failures: list[Exception] = []
        self.events: list[str] = []
        self.log = RequestLog(self.clock, self.metrics, lambda name, _: self.events.append(name), self.write)
        self.model: Any = SimpleNamespace(
            stream="s",
            version=2,
            batcher=SimpleNamespace(predictor=SimpleNamespace(manifest=SimpleNamespace(schema=SCHEMA))),
        )

    def write(self, job: Job, stem: str, content: bytes) -> None:
        if self.failures:
            raise self.failures.pop()
        rows, _ = read_table_rows({"x.parquet": content}, job.schema)
        assert stem not in self.files
        assert rows.row_ids is not None
        self.files[stem] = rows.row_ids.tolist()

    def answer(self, *ids: str) -> Any:
        records = [{"x": 1.0, "id": row_id} for row_id in ids]
        inputs = {"x": np.ones(len(ids))}
        nothing = object_column([None] * len(ids))
        rows = Rows(inputs, nothing, nothing, hash_rows(inputs, SCHEMA))
        answers = Answers(nothing, np.ones(len(ids)), nothing, np.zeros((len(ids), 0)))
        answered = Answered(JsonRows(rows, np.arange(len(ids)), {}), answers)
        return self.log.add(self.job, self.model, records, answered, 10 * len(ids))

    @property
    def logged(self) -> list[str]:
        return [row_id for ids in self.files.values() for row_id in ids]

    def figure(self, name: str) -> float:
        lines = self.metrics.render({}, {}).decode().splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith(f"growlearn_{name}_rows_total")
        )


async def soon(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


def run(steps: Callable[[Process], Any], process: Process) -> Process:
    """Run the steps beside the log, then close it."""

    async def work() -> None:
        writing = asyncio.create_task(process.log.run())
        await steps(process)
        process.log.close()
        await asyncio.wait_for(writing, 20)

    asyncio.run(work())
    return process


def test_a_file_is_written_once_enough_rows_wait() -> None:
    async def steps(process: Process) -> None:
        assert process.answer("a", "b") == ("a", "b")
        await asyncio.sleep(0.6)
        assert process.files == {}
        process.answer("c", "d")
        await soon(lambda: bool(process.files))

    process = run(steps, Process())
    assert list(process.files.values()) == [["a", "b", "c", "d"]]
    (stem,) = process.files
    assert stem.startswith("served-20260101T000000.000000Z-")
    assert (process.figure("logged"), process.figure("unlogged")) == (4, 0)


@pytest.mark.parametrize(("limit", "value"), [("MAX_WAITING_ROWS", 6), ("MAX_WAITING_BYTES", 30_000)])
def test_a_file_is_written_once_half_of_the_room_is_taken(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows the job wants in a file: those that come next would be dropped."""
    monkeypatch.setattr(request_log, limit, value)

    async def steps(process: Process) -> None:
        for row_id in "abcde":
            process.answer(row_id)
            await soon(lambda: process.log._waiting["s"].num_rows < 4)
        await soon(lambda: len(process.logged) >= 3)

    process = run(steps, Process(RequestLogConfig(flush_rows=100_000, flush_every="1h")))
    assert (sorted(process.logged), process.figure("unlogged")) == (list("abcde"), 0)


def test_a_file_is_written_once_its_first_row_is_old() -> None:
    async def steps(process: Process) -> None:
        process.answer("a")
        process.clock.advance(61)
        await soon(lambda: process.logged == ["a"])

    run(steps, Process())


def test_what_waits_is_written_when_the_process_stops() -> None:
    async def steps(process: Process) -> None:
        process.answer("a")

    assert run(steps, Process()).logged == ["a"]


def test_what_cannot_be_written_waits_and_is_written_once() -> None:
    async def steps(process: Process) -> None:
        process.failures = [OSError("disk full"), GrowLearnError("no folder")]
        process.answer("a", "b", "c")
        await soon(lambda: len(process.failures) == 1)
        process.answer("d")
        process.clock.advance(2)
        await soon(lambda: not process.failures)
        process.clock.advance(61)
        await soon(lambda: len(process.logged) == 4)

    process = run(steps, Process())
    assert list(process.files.values()) == [["a", "b", "c"], ["d"]]
    assert process.events == ["request log not written"]
    assert (process.figure("logged"), process.figure("unlogged")) == (4, 0)


def test_rows_that_do_not_fit_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "MAX_WAITING_ROWS", 4)

    async def steps(process: Process) -> None:
        process.failures = [OSError("disk full")] * 100
        assert process.answer("a", "b", "c") == ("a", "b", "c")
        await soon(lambda: len(process.failures) < 100)
        assert process.answer("d", "e") == [None, None]
        assert process.answer("f") == ("f",)

    process = run(steps, Process())
    assert process.logged == []
    text = process.metrics.render({}, {}).decode()
    assert 'growlearn_unlogged_rows_total{reason="buffer_full",stream="s"} 2.0' in text
    assert 'growlearn_unlogged_rows_total{reason="failed",stream="s"} 4.0' in text


def test_a_bug_fails_no_answer() -> None:
    async def steps(process: Process) -> None:
        process.model.version = "not a number"
        assert process.answer("a") == ("a",)
        process.clock.advance(61)
        await soon(lambda: process.figure("unlogged") == 1)
        process.model.batcher = None
        assert process.answer("b") == [None]

    process = run(steps, Process())
    assert (process.figure("unlogged"), process.events, process.files) == (2, ["error", "error"], {})


def test_without_the_key_nothing_is_logged() -> None:
    async def steps(process: Process) -> None:
        assert process.answer("a") is None

    assert run(steps, Process(None)).files == {}


def test_rows_answered_under_another_job_go_to_a_file_of_their_own() -> None:
    async def steps(process: Process) -> None:
        process.answer("a")
        process.job = make_job(RequestLogConfig(flush_rows=1), pattern="*.parquet")
        process.answer("b")
        await soon(lambda: len(process.files) == 2)

    assert list(run(steps, Process()).files.values()) == [["a"], ["b"]]


def test_rows_answered_under_another_scale_of_pixels_go_to_a_file_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The two jobs are equal, as their rows are, but their files are not read alike."""

    class ProcessOfImages(Process):
        def write(self, job: Job, stem: str, content: bytes) -> None:
            self.files[f"{job.schema.inputs['image'].pixel_max} {stem}"] = [content.decode()]

    async def steps(process: Process) -> None:
        for pixel_max in (255, 1):
            image = InputColumn(type=InputType.IMAGE, shape=(1, 1, 1), pixel_max=pixel_max)
            schema = replace(SCHEMA, inputs={**SCHEMA.inputs, "image": image})
            process.job = replace(make_job(RequestLogConfig(flush_rows=1)), schema=schema)
            process.model.batcher.predictor.manifest.schema = schema
            process.answer(str(pixel_max))
        await soon(lambda: len(process.files) == 2)

    monkeypatch.setattr(request_log, "encode_log", lambda parts, _: str(len(parts)).encode())
    process = run(steps, ProcessOfImages())
    assert [name.split()[0] for name in process.files] == ["255", "1"]
    assert process.logged == ["1", "1"]


def test_rows_of_a_model_that_reads_other_columns_are_not_logged() -> None:
    async def steps(process: Process) -> None:
        assert process.answer("a") == ("a",)
        other = replace(SCHEMA, inputs={"z": InputColumn(type=InputType.NUMBER)})
        process.model.batcher.predictor.manifest.schema = other
        assert process.answer("b") == (None,)

    process = run(steps, Process())
    assert process.logged == ["a"]
    assert 'reason="other_schema"' in process.metrics.render({}, {}).decode()
