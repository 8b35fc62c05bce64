"""Rows of several requests in one batch: in order, each with its own reasons, and bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from growlearn.domain.errors import Unavailable
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, object_column
from growlearn.serving import micro_batches
from growlearn.serving.batch_invariance import measure_shared_rows
from growlearn.serving.json_rows import parse_json_rows
from growlearn.serving.micro_batches import Answered, MicroBatcher
from growlearn.serving.predictor import Answers

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, task="task")
HEADS = tuple(TaskHead(name=name, classes=(0, 1), lineage=("b1",), sha256="0" * 64) for name in "ab")
MANIFEST = Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=HEADS)


class Echo:
    """Answers x with itself as its probability; the first batch waits until it may go on."""

    manifest = MANIFEST

    def __init__(self, noise_from: int = 1000) -> None:
        self.sizes = list[int]()
        self.may_go_on = threading.Event()
        self._noise_from = noise_from

    def answer(self, rows: Rows, proba: bool = False) -> Answers:
        if not self.sizes:
            self.may_go_on.wait(10)
        self.sizes.append(len(rows))
        if 666 in rows.inputs["x"]:
            raise ValueError("no answer")
        noise = 1e-16 * (len(rows) >= self._noise_from)
        assert rows.tasks is not None or not proba
        tasks = object_column(["a"] * len(rows)) if rows.tasks is None else rows.tasks
        return Answers(
            object_column([1] * len(rows)), rows.inputs["x"] + noise, tasks, np.zeros((len(rows), 0))
        )


async def ask(predictor: Any, requests: Sequence[Sequence[Any]], **limits: int) -> list[Any]:
    """All requests at once, after a first one of one row that holds the thread."""
    options = {"max_shared_rows": 4, "max_queued_rows": 100, **limits}
    with ThreadPoolExecutor(1) as executor:
        batcher = MicroBatcher(predictor, executor, **options)
        first = asyncio.create_task(batcher.answer([{"x": 0}], proba=False))
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(batcher.answer(records, "a", proba=True)) for records in requests]
        await asyncio.sleep(0.05)
        predictor.may_go_on.set()
        answered = await asyncio.gather(first, *rest, return_exceptions=True)
        return list(answered)


def values(answered: Answered) -> list[float]:
    return [] if answered.answers is None else answered.answers.probability.tolist()


def test_what_gathers_while_a_batch_is_computed_is_the_next_one() -> None:
    predictor = Echo()
    answered = asyncio.run(ask(predictor, [[{"x": 1}], [{"x": 2}, {"x": 3}], [{"x": 4}, {"x": 5}]]))
    assert [values(each) for each in answered] == [[0], [1], [2, 3], [4, 5]]
    assert predictor.sizes == [1, 3, 2]


def test_each_request_has_its_own_bad_rows() -> None:
    requests: list[Any] = [[{"y": 1}, {"x": 2}], [{"x": "?"}], [{"x": 3}]]
    _, first, second, third = asyncio.run(ask(Echo(), requests))
    assert (values(first), list(first.parsed.reasons), first.parsed.positions.tolist()) == ([2], [0], [1])
    assert (second.answers, list(second.parsed.reasons)) == (None, [0])
    assert (values(third), third.parsed.reasons) == ([3], {})


def test_a_large_request_is_a_batch_of_its_own() -> None:
    predictor = Echo()
    large = [{"x": index} for index in range(9)]
    answered = asyncio.run(ask(predictor, [[{"x": 1}], large, [{"x": 2}]]))
    assert values(answered[2]) == list(range(9))
    assert sorted(predictor.sizes[1:]) == [2, 9]


def test_an_error_reaches_those_of_its_batch_alone() -> None:
    answered = asyncio.run(ask(Echo(), [[{"x": 666}] * 4, [{"x": 7}]]))
    assert isinstance(answered[1], ValueError)
    assert values(answered[2]) == [7]


def test_more_rows_than_may_wait_are_refused() -> None:
    requests = [[{"x": 1}, {"x": 2}], [{"x": 3}, {"x": 4}]]
    answered = asyncio.run(ask(Echo(), requests, max_queued_rows=3))
    assert values(answered[1]) == [1, 2]
    assert isinstance(answered[2], Unavailable)


async def ask_again(predictor: Any, *, refilled: bool) -> None:
    """Two requests at once; when both are answered one of two asks again, and the other a moment later."""
    predictor.may_go_on.set()
    with ThreadPoolExecutor(1) as executor:
        batcher = MicroBatcher(predictor, executor, max_shared_rows=4, max_queued_rows=100)
        both = [batcher.answer([{"x": value}], proba=False) for value in (1, 2)]
        await asyncio.gather(*both)
        first = asyncio.create_task(batcher.answer([{"x": 3}], proba=False))
        if refilled:
            await asyncio.sleep(0.05)
            assert not first.done()
            assert values(await batcher.answer([{"x": 4}], proba=False)) == [4]
        assert values(await first) == [3]


def test_callers_that_were_answered_together_are_answered_together_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(micro_batches, "_REFILL_S", 60.0)
    predictor = Echo()
    asyncio.run(ask_again(predictor, refilled=True))
    assert predictor.sizes == [2, 2]


def test_a_batch_waits_for_callers_that_stay_away_only_for_a_moment() -> None:
    predictor = Echo()
    asyncio.run(asyncio.wait_for(ask_again(predictor, refilled=False), 60))
    assert predictor.sizes == [2, 1]


@pytest.mark.parametrize(("noise_from", "shared"), [(1000, 32), (7, 6), (2, 1)])
def test_rows_are_shared_as_far_as_no_bit_changes(noise_from: int, shared: int) -> None:
    predictor: Any = Echo(noise_from)
    predictor.may_go_on.set()
    probe = parse_json_rows([{"x": index / 7} for index in range(1, 6)], MANIFEST).rows
    assert probe is not None
    assert measure_shared_rows(predictor, probe) == shared


def test_tasks_are_given_owned_or_left_open() -> None:
    records: list[Any] = [{"x": 1, "task": "a"}, {"x": 2, "task": None}, {"x": 3}, {"x": 4, "task": "b"}]
    parsed = parse_json_rows(records, MANIFEST)
    assert parsed.rows is not None
    assert parsed.rows.tasks is not None
    assert parsed.rows.tasks.tolist() == ["a", None, None, "b"]
    given = parse_json_rows(records, MANIFEST, ["b", None, "z", None])
    assert given.rows is not None
    assert given.rows.tasks is not None
    assert given.rows.tasks.tolist() == ["b", None, "b"]
    assert given.reasons == {2: "task 'z' is not known (known tasks: 'a', 'b')"}


def test_values_of_several_types_are_parsed_row_by_row() -> None:
    parsed = parse_json_rows([{"x": 1}, {"x": "one"}, {"x": 2.5}, {"x": [1]}, {"x": True}], MANIFEST)
    assert parsed.rows is not None
    assert parsed.rows.inputs["x"].tolist() == [1.0, 2.5, 1.0]
    assert list(parsed.reasons) == [1, 3]


class Mixed(Echo):
    """Answers with what it reads: the category, and the sum of the pixels as its probability."""

    manifest = Manifest(
        stream="s",
        schema=Schema(
            inputs={
                "pixels": InputColumn(type=InputType.IMAGE, shape=(1, 2, 2)),
                "c": InputColumn(type=InputType.CATEGORY),
            }
        ),
        model=ModelConfig(),
        branches=(),
        tasks=HEADS,
    )

    def answer(self, rows: Rows, proba: bool = False) -> Answers:
        self.may_go_on.wait(10)
        self.sizes.append(len(rows))
        sums = rows.inputs["pixels"].reshape(len(rows), -1).sum(axis=1).astype(float)
        return Answers(rows.inputs["c"], sums, object_column(["a"] * len(rows)), np.zeros((len(rows), 0)))


def answer_each(predictor: Any, records: Sequence[Any], max_shared_rows: int) -> list[Any]:
    """What a request of each record is answered, all sent at once."""

    async def work() -> list[Answered]:
        with ThreadPoolExecutor(1) as executor:
            batcher = MicroBatcher(predictor, executor, max_shared_rows=max_shared_rows, max_queued_rows=100)
            asked = [asyncio.create_task(batcher.answer([record], proba=False)) for record in records]
            return list(await asyncio.gather(*asked))

    predictor.may_go_on.set()
    answered = asyncio.run(work())
    assert all(each.answers is not None for each in answered)
    return [(*each.answers.prediction, *each.answers.probability) for each in answered if each.answers]


def test_no_request_changes_what_another_one_is_read_as() -> None:
    """Fractions of white beside pixels up to 255, booleans beside numbers: a column would make them alike."""
    pixels = ([0.0, 0.5, 1.0, 0.25], [0, 128, 255, 7], [0, 1, 1, 0], [0.5, 200.5, 1, 1], [1, 1, 1, 1])
    records = [
        {"pixels": each, "c": category}
        for each, category in zip(pixels * 2, (2.5, True, 1, "x", None, 7.0, False, 2, "y", 3), strict=True)
    ]
    alone = [answer_each(Mixed(), [record], 1)[0] for record in records]
    predictor = Mixed()
    assert answer_each(predictor, records, 64) == alone
    assert predictor.sizes == [len(records)]
    assert alone[0] == ("2.5", 447.0)
    assert [each[0] for each in alone[:5]] == ["2.5", "true", "1", "x", None]
