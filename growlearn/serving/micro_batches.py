"""Rows of several requests answered at once: while one batch is computed, the next one gathers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from growlearn.domain.errors import Unavailable
from growlearn.serving.json_rows import JsonRows, concat_json_rows, parse_json_rows
from growlearn.serving.json_values import Kinds, Record, find_kinds, merge_kinds
from growlearn.serving.predictor import Answers, Predictor

_PAUSE_S = 0.0005  # after a shared batch: its callers hear before the next one takes the processor
_REFILL_S = 0.003  # that the callers of a batch, answered at once, may differ by when they ask again


@dataclass(frozen=True, eq=False)
class Answered:
    """The rows of one request as they were parsed, and the answers to the valid ones; None where none is."""

    parsed: JsonRows
    answers: Answers | None


@dataclass(frozen=True, eq=False)
class _Request:
    records: Sequence[Record]
    task: str | None
    proba: bool
    parsed: JsonRows | None
    answer: asyncio.Future[Answered]


class MicroBatcher:
    """Answers rows with one model in one thread of an executor; belongs to one event loop.

    Requests are answered in order. A batch holds those that came while the one before was computed, at most
    `max_shared_rows` rows. A request that comes within _REFILL_S after a batch waits as
    long again for as many as that batch held: its callers ask again at about the same time, and a batch costs
    little more than a row. So a row waits for at most that time, the batch before it and those queued ahead;
    where more than `max_queued_rows` are queued, a request is refused. A request with more rows than may be
    shared is a batch of its own.
    """

    def __init__(
        self, predictor: Predictor, executor: Executor, *, max_shared_rows: int, max_queued_rows: int
    ) -> None:
        self.predictor = predictor
        self.max_shared_rows = max_shared_rows
        self._executor = executor
        self._max_queued_rows = max_queued_rows
        self._queue: deque[_Request] = deque()
        self._queued_rows = 0
        self._task: asyncio.Task[None] | None = None
        self._num_expected, self._last_batch_at = 0, 0.0  # requests, and a time of the loop's clock
        self._is_refilled = asyncio.Event()

    async def answer(self, records: Sequence[Record], task: str | None = None, *, proba: bool) -> Answered:
        """Parse and answer the records of one request; raises Unavailable where too many are queued.

        Few are parsed with those of their batch; many in a thread of their own, so that none waits for that.
        """
        if self._queue and self._queued_rows + len(records) > self._max_queued_rows:
            raise Unavailable(
                f"{self._queued_rows} rows wait for model answers already",
                hint="send fewer at a time, or try again in a second",
            )
        parsed = None
        if len(records) > self.max_shared_rows:
            parsed = await asyncio.to_thread(self.parse, records, task)
            if parsed.rows is None:
                return Answered(parsed, None)
        request = _Request(records, task, proba, parsed, asyncio.get_running_loop().create_future())
        self._queue.append(request)
        self._queued_rows += len(records)
        if self._has_as_many():
            self._is_refilled.set()
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await request.answer

    def parse(self, records: Sequence[Record], task: str | None = None) -> JsonRows:
        """Parse the records of one request in the calling thread."""
        return self._parse(records, [task] * len(records))

    def answer_at_once(self, parsed: JsonRows) -> Answered:
        """Answer parsed records in the calling thread, which must be the executor's."""
        return Answered(parsed, None if parsed.rows is None else self.predictor.answer(parsed.rows))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                await asyncio.sleep(0)  # requests that have arrived are parsed first
                await self._refill(loop.time())
                batch = self._take_batch()
                try:
                    answers = await loop.run_in_executor(self._executor, self._compute, batch)
                except Exception as error:  # each caller gets it; the next batch goes on
                    _fail(batch, error)
                    continue
                for request, answer in zip(batch, answers, strict=True):
                    if not request.answer.done():
                        request.answer.set_result(answer)
                self._num_expected, self._last_batch_at = len(batch), loop.time()
                if len(batch) > 1:
                    await asyncio.sleep(_PAUSE_S)
        finally:
            self._task = None

    async def _refill(self, now: float) -> None:
        """Wait a moment for as many requests as the last batch held, where that has just ended."""
        if now - self._last_batch_at > _REFILL_S or self._has_as_many():
            return
        self._is_refilled.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_REFILL_S):
                await self._is_refilled.wait()

    def _has_as_many(self) -> bool:
        return len(self._queue) >= self._num_expected or self._queued_rows >= self.max_shared_rows

    def _take_batch(self) -> list[_Request]:
        batch = [self._queue.popleft()]
        num_rows = len(batch[0].records)
        while self._queue and num_rows + len(self._queue[0].records) <= self.max_shared_rows:
            batch.append(self._queue.popleft())
            num_rows += len(batch[-1].records)
        self._queued_rows -= num_rows
        return batch

    def _parse(self, records: Sequence[Record], tasks: Sequence[str | None]) -> JsonRows:
        return parse_json_rows(records, self.predictor.manifest, tasks)

    def _parse_batch(self, batch: Sequence[_Request]) -> JsonRows:
        """Parse neighbours of one kind at once, which takes little more time than one, and others apart."""
        schema = self.predictor.manifest.schema
        groups: list[list[_Request]] = []
        kinds: Kinds | None = None
        for request in batch:
            own = find_kinds(request.records, schema)
            merged = None if kinds is None or own is None else merge_kinds(kinds, own)
            if merged is None:
                groups.append([])
            groups[-1].append(request)
            kinds = own if merged is None else merged
        parts = []
        for group in groups:
            tasks = [request.task for request in group for _ in request.records]
            parts.append(self._parse([record for request in group for record in request.records], tasks))
        sizes = [sum(len(request.records) for request in group) for group in groups]
        return parts[0] if len(parts) == 1 else concat_json_rows(parts, sizes)

    def _compute(self, batch: Sequence[_Request]) -> list[Answered]:
        proba = any(request.proba for request in batch)
        parsed = batch[0].parsed if len(batch) == 1 else None
        parsed = parsed or self._parse_batch(batch)
        answers = None if parsed.rows is None else self.predictor.answer(parsed.rows, proba=proba)
        if len(batch) == 1:
            return [Answered(parsed, answers)]
        answered, start = [], 0
        for request in batch:
            stop = start + len(request.records)
            answered.append(_select(parsed, answers, start, stop))
            start = stop
        return answered


def _select(parsed: JsonRows, answers: Answers | None, start: int, stop: int) -> Answered:
    """What belongs to the records from `start` to `stop` of a batch."""
    first, last = np.searchsorted(parsed.positions, (start, stop))
    own, part = parsed.select(start, stop), slice(first, last)
    if answers is None or first == last:
        return Answered(own, None)
    return Answered(
        own,
        Answers(
            answers.prediction[part],
            answers.probability[part],
            answers.task[part],
            answers.class_probabilities[part],
        ),
    )


def _fail(batch: Sequence[_Request], error: Exception) -> None:
    for request in batch:
        if not request.answer.done():
            request.answer.set_exception(error)
