"""Models are those of the stream that is there now, and a stream that changes hands has none left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.app.api.served_models import ServedModels
from growlearn.domain.errors import DatabaseUnavailable, NotFound
from growlearn.domain.execution import Execution
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Alias, Stream
from growlearn.pipeline.verify import Verification

AT = datetime(2026, 11, 30, tzinfo=UTC)
SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})


def make_stream(name: str, champion: int = 1) -> Stream:
    job = Job(name=name, source=SourceConfig(url="in"), schema=SCHEMA)
    return Stream(job=job, created_at=AT, champion=champion)


class Process:
    """The models of one API process over streams that a test changes; `opened` lists what was loaded."""

    def __init__(self, max_models: int = 2) -> None:
        self.streams = {name: make_stream(name) for name in "abc"}
        self.opened: list[tuple[str, int]] = []
        self.log: list[str] = []
        self.before_read: Callable[[], None] = lambda: None
        self.models = ServedModels(
            SimpleNamespace(stream=self._read), MemoryArtifacts(), lambda event, _: self.log.append(event),
            execution=Execution.LOOP, device=torch.device("cpu"), threads=1, max_models=max_models,
        )  # fmt: skip
        self.models._load_version = self._load  # type: ignore[method-assign]

    def _read(self, name: str) -> Stream:
        self.before_read()
        if name not in self.streams:
            raise NotFound(f"there is no stream {name!r}")
        return self.streams[name]

    def _load(self, stream: str, number: int) -> Any:
        self.opened.append((stream, number))
        return SimpleNamespace(manifest=None), 1, Verification(version=number)

    def run(self, steps: Callable[[ServedModels], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(steps(self.models))
        self.models.close()


@pytest.mark.parametrize("which", [Alias.CHAMPION, 1])
def test_a_stream_made_anew_under_an_old_name_is_answered_by_its_own_version(which: Alias | int) -> None:
    process = Process()

    async def steps(models: ServedModels) -> None:
        first = await models.get("a", which)
        process.streams["a"] = replace(process.streams["a"], created_at=AT + timedelta(hours=1))
        await models.try_refresh("a")
        assert await models.get("a", which) is not first

    process.run(steps)
    assert process.opened == [("a", 1), ("a", 1)]


@pytest.mark.parametrize("which", [Alias.CHAMPION, 1])
def test_a_deleted_stream_answers_no_more(which: Alias | int) -> None:
    process = Process()

    async def steps(models: ServedModels) -> None:
        await models.get("a", which)
        del process.streams["a"]
        await models.try_refresh("a")
        with pytest.raises(NotFound):
            await models.get("a", which)

    process.run(steps)
    assert "stream deleted" in process.log


def test_the_champions_asked_for_last_stay_open() -> None:
    process = Process(max_models=2)

    async def steps(models: ServedModels) -> None:
        for name in ("a", "b", "a", "c", "a", "b"):
            await models.get(name, Alias.CHAMPION)

    process.run(steps)
    assert process.opened == [("a", 1), ("b", 1), ("c", 1), ("b", 1)]


def test_what_was_read_before_a_promotion_is_not_taken_up_after_it() -> None:
    process = Process()

    async def steps(models: ServedModels) -> None:
        await models.get("a", Alias.CHAMPION)
        watching = asyncio.create_task(models.refresh("a"))
        await asyncio.sleep(0)
        process.streams["a"] = make_stream("a", champion=2)
        await models.refresh("a")
        await watching
        assert models.champions == {"a": 2}

    process.run(steps)


def test_a_follow_up_that_fails_is_a_line_of_the_log() -> None:
    process = Process()

    def fail() -> None:
        raise DatabaseUnavailable("away")

    async def steps(models: ServedModels) -> None:
        await models.get("a", Alias.CHAMPION)
        process.before_read = fail
        await models.try_refresh("a")
        assert models.champions == {"a": 1}

    process.run(steps)
    assert process.log[-1] == "aliases not read"
