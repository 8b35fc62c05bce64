"""Asks the other version too, in the background: what a canary and the champion predict for the same rows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from growlearn.app.api.served_models import ServedModel, ServedModels
from growlearn.domain.canary import Canary, CanaryAnswer, CanaryCounts
from growlearn.domain.redaction import redact
from growlearn.ingest.columns import spell_ids
from growlearn.ports import Clock
from growlearn.serving.canary import count_agreement, list_predictions
from growlearn.serving.json_rows import JsonRows
from growlearn.serving.json_values import Record
from growlearn.serving.micro_batches import Answered
from growlearn.serving.request_log import RowId

MAX_WAITING_ROWS = 4096
MAX_WAITING_BYTES = 64 * 2**20
MAX_UNWRITTEN_ANSWERS = 65_536
BATCH_ROWS = 64
Predictions = list[str | None]
_PAUSE_FACTOR = 3  # the model thread is left to callers for so many times as long as it was taken


@dataclass(eq=False)
class RunningCanary:
    """A canary in this process, and what was counted since the record was last told.

    `champion_seconds` is the time of the champion's answer that the next one of the canary is paired with.
    Where it has a `stop_reason` it answers nothing any more, and is to be stopped everywhere.
    """

    canary: Canary
    model: ServedModel
    counts: CanaryCounts = field(default_factory=CanaryCounts)
    answers: list[CanaryAnswer] = field(default_factory=list)
    champion_seconds: float | None = None
    stop_reason: str | None = None

    def give_up(self, reason: str) -> None:
        """Answer nothing any more, and be stopped for the first reason that is given."""
        self.stop_reason = self.stop_reason or redact(reason)

    def add_answers(self, answers: Sequence[CanaryAnswer]) -> None:
        """Let answers wait for the record, which may be away: at most 65,536 of them."""
        self.answers.extend(answers[: MAX_UNWRITTEN_ANSWERS - len(self.answers)])


@dataclass(frozen=True, eq=False)
class ChampionRequest:
    """What a caller asks the champion of a stream, and the body in which it came."""

    records: Sequence[Record]
    task: str | None
    proba: bool
    body: bytes


@dataclass(frozen=True, eq=False)
class AnsweredRequest:
    """Rows that one version has answered, for the `other` one to answer; `ids` are those of logged rows."""

    records: Sequence[Record]
    task: str | None
    answered: Answered
    other: ServedModel
    ids: Sequence[RowId | None] | None
    num_bytes: int


class CanaryComparison:
    """A bounded queue of answered requests, and the task that answers them by the other version.

    At most 4,096 rows, or 64 MiB, wait; other rows are counted as dropped. An answer to a caller waits for at
    most one batch of 64 rows of these, and they take at most a quarter of the model thread's time. It belongs
    to one event loop.
    """

    def __init__(self, models: ServedModels, clock: Clock) -> None:
        self._models = models
        self._clock = clock
        self._queue: deque[tuple[RunningCanary, AnsweredRequest]] = deque()
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()

    def add(self, running: RunningCanary, request: AnsweredRequest) -> None:
        """Let a request's rows wait, as far as there is room."""
        num_rows = len(request.records)
        row_bytes = request.num_bytes / num_rows
        room = min(
            MAX_WAITING_ROWS - self._waiting_rows,
            int((MAX_WAITING_BYTES - self._waiting_bytes) / max(row_bytes, 1)),
        )
        if room < num_rows:
            running.counts += CanaryCounts(dropped=num_rows - max(room, 0))
        if room > 0:
            kept = request.records[:room]
            taken = replace(request, records=kept, num_bytes=int(row_bytes * len(kept)))
            self._waiting_rows += len(kept)
            self._waiting_bytes += taken.num_bytes
            self._queue.append((running, taken))
            self._arrived.set()

    async def run(self) -> None:
        """Compare what waits, until cancelled."""
        while True:
            while self._queue:
                running, request = self._queue.popleft()
                await self._compare_request(running, request)
                self._waiting_rows -= len(request.records)
                self._waiting_bytes -= request.num_bytes
            self._arrived.clear()
            await self._arrived.wait()

    async def _compare_request(self, running: RunningCanary, request: AnsweredRequest) -> None:
        """Part by part; parsed at once, in a thread of its own, as the rows were that have an answer."""
        num_rows, started = len(request.records), time.perf_counter()
        try:
            parsed = await asyncio.to_thread(request.other.batcher.parse, request.records, request.task)
            for start in range(0, len(request.records), BATCH_ROWS):
                if running.stop_reason is None:
                    started = time.perf_counter()
                    await self._compare(running, request, parsed, start)
                    num_rows -= BATCH_ROWS
        except Exception as error:  # whatever a version raises, the callers have their answers
            if request.other is running.model:
                count_failure(running, num_rows, f"failed to answer: {type(error).__name__}: {error}")
            else:
                running.counts += CanaryCounts(dropped=num_rows)
            await asyncio.sleep(_PAUSE_FACTOR * (time.perf_counter() - started))

    async def _compare(
        self, running: RunningCanary, request: AnsweredRequest, parsed: JsonRows, start: int
    ) -> None:
        stop = min(start + BATCH_ROWS, len(request.records))
        by_version = request.other is not running.model
        own, other, seconds = await self._models.compute_in_background(
            partial(_predict_both, request, parsed, start, stop)
        )
        champion, version = (other, own) if by_version else (own, other)
        counts = count_agreement(champion, version)
        running.counts += counts
        if counts.failed and running.canary.share_percent:
            canary = running.canary
            running.give_up(f"version {canary.version} refuses a row that champion {canary.champion} answers")
        if request.ids is not None:
            ids = request.ids[start:stop]
            running.add_answers(_list_answers(ids, champion, version, self._clock.now()))
        await asyncio.sleep(_PAUSE_FACTOR * seconds)


def count_failure(running: RunningCanary, num_rows: int, what: str) -> None:
    """Rows that the version could not answer; one that answers callers is then to be stopped."""
    running.counts += CanaryCounts(failed=num_rows)
    if running.canary.share_percent:
        running.give_up(f"version {running.canary.version} {what}")


def _predict_both(
    request: AnsweredRequest, parsed: JsonRows, start: int, stop: int
) -> tuple[Predictions, Predictions, float]:
    """What was predicted of the rows from `start` to `stop`, what the other version predicts, and seconds."""
    started = time.perf_counter()
    own = list_predictions(request.answered, start, stop)
    answered = request.other.batcher.answer_at_once(parsed.select(start, stop))
    other = list_predictions(answered, 0, stop - start)
    return own, other, time.perf_counter() - started


def _list_answers(
    ids: Sequence[RowId | None], champion: Predictions, version: Predictions, at: datetime
) -> list[CanaryAnswer]:
    return [
        CanaryAnswer(row_id=row_id, champion=one, version=other, at=at)
        for row_id, one, other in zip(spell_ids(ids), champion, version, strict=True)
        if row_id is not None and (one, other) != (None, None)
    ]
