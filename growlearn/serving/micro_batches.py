"""Rows of several requests answered at once: while one batch is computed, the next one gathers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from growlearn.domain.errors import Unavailable
from growlearn.ingest.rows import Rows, concat_rows
from growlearn.serving.predictor import Answers, Predictor


@dataclass(frozen=True, eq=False)
class _Request:
    rows: Rows
    proba: bool
    answer: asyncio.Future[Answers]


class MicroBatcher:
    """Answers rows with one model in one thread of an executor; belongs to one event loop.

    Requests are answered in order. A batch holds those that came while the one before was computed, at most
    `max_shared_rows` rows, so a row waits for at most the batch before it and those queued ahead; where more
    than `max_queued_rows` are queued, a request is refused. A request with more rows is a batch of its own.
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

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued or computed."""
        return self._task is None

    async def answer(self, rows: Rows, *, proba: bool) -> Answers:
        """Answers to the rows of one request; raises Unavailable where too many are queued."""
        if self._queue and self._queued_rows + len(rows) > self._max_queued_rows:
            raise Unavailable(
                f"{self._queued_rows} rows wait for model answers already",
                hint="send fewer at a time, or try again in a second",
            )
        request = _Request(rows, proba, asyncio.get_running_loop().create_future())
        self._queue.append(request)
        self._queued_rows += len(rows)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await request.answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                await asyncio.sleep(0)  # requests that have arrived are parsed first
                batch = self._take_batch()
                try:
                    answers = await loop.run_in_executor(self._executor, self._compute, batch)
                except Exception as error:  # each caller gets it; the next batch goes on
                    _fail(batch, error)
                    continue
                for request, answer in zip(batch, answers, strict=True):
                    if not request.answer.done():
                        request.answer.set_result(answer)
        finally:
            self._task = None

    def _take_batch(self) -> list[_Request]:
        batch = [self._queue.popleft()]
        num_rows = len(batch[0].rows)
        while self._queue and num_rows + len(self._queue[0].rows) <= self.max_shared_rows:
            batch.append(self._queue.popleft())
            num_rows += len(batch[-1].rows)
        self._queued_rows -= num_rows
        return batch

    def _compute(self, batch: Sequence[_Request]) -> list[Answers]:
        proba = any(request.proba for request in batch)
        if len(batch) == 1:
            return [self.predictor.answer(batch[0].rows, proba=proba)]
        answers = self.predictor.answer(concat_rows([request.rows for request in batch]), proba=proba)
        parts, start = [], 0
        for request in batch:
            part = slice(start, start + len(request.rows))
            parts.append(
                Answers(
                    answers.prediction[part],
                    answers.probability[part],
                    answers.task[part],
                    answers.class_probabilities[part],
                )
            )
            start = part.stop
        return parts


def _fail(batch: Sequence[_Request], error: Exception) -> None:
    for request in batch:
        if not request.answer.done():
            request.answer.set_exception(error)
