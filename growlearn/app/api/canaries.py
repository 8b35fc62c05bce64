"""Canaries in one API process: which version answers a request to the champion, and when that ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from growlearn.app.api.canary_comparison import (
    AnsweredRequest,
    CanaryComparison,
    ChampionRequest,
    RunningCanary,
    count_failure,
)
from growlearn.app.api.served_models import ChangedAnswers, Log, ServedModel, ServedModels
from growlearn.domain.canary import AUTOMATIC, Canary, CanaryCounts
from growlearn.domain.errors import NotFound, Unavailable
from growlearn.domain.redaction import redact
from growlearn.ports import CanaryRecords, Clock
from growlearn.serving.canary import find_stop_reason, is_chosen, is_clearly_slower
from growlearn.serving.micro_batches import Answered
from growlearn.serving.request_log import RowId

T = TypeVar("T")


class Canaries:
    """Follows the canaries in the record, as every API process does, and tells it what was counted.

    It belongs to one event loop. A canary of a stream that was asked for here answers from the next look on.
    """

    def __init__(self, record: CanaryRecords, models: ServedModels, clock: Clock, log: Log) -> None:
        self._record = record
        self._models = models
        self._clock = clock
        self._log = log
        self._running: dict[str, RunningCanary] = {}  # by stream
        self._comparison = CanaryComparison(models, clock)
        self._looking = asyncio.Lock()

    def get(self, stream: str) -> RunningCanary | None:
        """The canary that answers and is compared now."""
        running = self._running.get(stream)
        return None if running is None or running.stop_reason is not None else running

    async def answer(
        self, running: RunningCanary, champion: ServedModel, request: ChampionRequest
    ) -> tuple[ServedModel, Answered]:
        """Answer a request to the champion by one of the two; by the champion where the canary cannot.

        A canary that refuses a row which the champion answers ends; the champion answers the request.
        """
        canary = running.canary
        if champion.version != canary.champion or not is_chosen(canary, self._make_key(champion, request)):
            answered, running.champion_seconds = await _ask(champion, request)
            return champion, answered
        try:
            answered, seconds = await _ask(running.model, request)
        except Unavailable:  # too many rows wait; the champion's would too
            raise
        except Exception as error:  # no caller pays for a canary
            count_failure(running, len(request.records), f"failed to answer: {type(error).__name__}: {error}")
            answered, _ = await _ask(champion, request)
            return champion, answered
        if answered.parsed.reasons:
            by_champion, _ = await _ask(champion, request)
            refused = answered.parsed.reasons.keys() - by_champion.parsed.reasons.keys()
            if refused:
                reason = answered.parsed.reasons[min(refused)]
                count_failure(running, len(refused), f"refuses a row that the champion answers: {reason}")
                return champion, by_champion
        running.counts += _count_answer(running, len(answered.parsed.positions), seconds)
        return running.model, answered

    def _make_key(self, champion: ServedModel, request: ChampionRequest) -> bytes:
        """What chooses the version: the id of the first row, or else the whole request."""
        id_column = self._models.job(champion.stream).schema.id_column
        row_id = None if id_column is None else request.records[0].get(id_column)
        return request.body if row_id is None else str(row_id).strip().encode()

    def compare(
        self,
        running: RunningCanary,
        champion: ServedModel,
        model: ServedModel,
        request: ChampionRequest,
        answered: Answered,
        ids: Sequence[RowId | None] | None,
    ) -> None:
        """Let the other version answer in the background what `model` has answered."""
        if running.stop_reason is not None or champion.version != running.canary.champion:
            return
        other = champion if model is running.model else running.model
        size = len(request.body)
        self._comparison.add(
            running, AnsweredRequest(request.records, request.task, answered, other, ids, size)
        )

    async def run(self, poll_s: float) -> None:
        """Compare, and look at the record every `poll_s` seconds, until cancelled."""
        comparing = asyncio.create_task(self._comparison.run())
        try:
            while True:
                await asyncio.sleep(poll_s)
                await self.try_look()
        finally:
            comparing.cancel()
            with suppress(Exception):  # as far as the record can be told
                await self._tell_all()

    async def try_look(self) -> None:
        """Look; where that fails, a line says so, and the next look does it."""
        try:
            await self.look()
        except Exception as error:  # an unreachable database must not end it
            self._log("canaries not read", {"reason": redact(str(error))})

    async def look(self) -> None:
        """Tell the record what was counted, and take up what runs now; raises what the store raises."""
        async with self._looking:
            await self._tell_all()
            now_running = await _in_thread(self._record.running)
            starts = {canary.stream: (canary.number, canary.started_at) for canary in now_running}
            for stream, running in list(self._running.items()):
                if starts.get(stream) != (running.canary.number, running.canary.started_at):
                    running.give_up("it was stopped")
                    del self._running[stream]
                    self._log("canary ended", {"stream": stream, "version": running.canary.version})
            for canary in now_running:
                await self._follow(canary)

    async def _follow(self, canary: Canary) -> None:
        """Take up a canary of a stream that was asked for, or stop it where there is a reason."""
        running = self._running.get(canary.stream)
        reason = find_stop_reason(canary)
        if running is not None:
            running.canary = canary
            reason = running.stop_reason or reason
        elif reason is None and canary.stream in self._models.champions:
            reason = await self._open(canary)
        if reason is None:
            return
        if running is not None:
            running.give_up(reason)
            await self._tell(running)  # what led to it was counted since the record was told
        stop = partial(self._record.stop, canary.stream, canary.number, reason)
        with suppress(NotFound):  # the stream was deleted meanwhile
            await _in_thread(stop, self._clock.now(), AUTOMATIC)
        self._running.pop(canary.stream, None)
        self._log(
            "canary stopped", {"stream": canary.stream, "version": canary.version, "reason": redact(reason)}
        )

    async def _open(self, canary: Canary) -> str | None:
        """Begin with a canary; why it cannot be, where its version cannot be opened."""
        try:
            model = await self._models.open(canary.stream, canary.version)
        except Unavailable as error:
            if not isinstance(error, ChangedAnswers):  # the disk or database may be there at the next look
                self._log("canary not taken up", {"stream": canary.stream, "reason": redact(str(error))})
                return None
            return redact(str(error))
        except Exception as error:  # a file that is gone
            return redact(f"version {canary.version} cannot be opened: {error}")
        self._running[canary.stream] = RunningCanary(canary, model)
        self._log("canary taken up", {"stream": canary.stream, "version": canary.version})
        return None

    async def _tell_all(self) -> None:
        for running in list(self._running.values()):
            await self._tell(running)

    async def _tell(self, running: RunningCanary) -> None:
        """Tell the record of one canary; what it does not take is told again at the next look."""
        counts, answers = running.counts, running.answers
        if not counts and not answers:
            return
        running.counts, running.answers = CanaryCounts(), []
        tell = partial(self._record.add_counts, running.canary, counts, answers, self._clock.now())
        telling = asyncio.ensure_future(_in_thread(tell))
        try:
            await asyncio.shield(telling)
        except BaseException as error:
            await asyncio.wait([telling])  # where this was cancelled the thread goes on, and may commit
            if telling.exception() is not None:
                running.counts += counts
                newer, running.answers = running.answers, answers
                running.add_answers(newer)
            if not isinstance(error, Exception):
                raise
            stream = running.canary.stream  # whatever is wrong with one canary, the others are told
            self._log("canary not told", {"stream": stream, "reason": redact(str(error))})


def _count_answer(running: RunningCanary, num_rows: int, seconds: float) -> CanaryCounts:
    """The counts of a request that the canary answered; each of the champion's times is compared once."""
    champion_seconds, running.champion_seconds = running.champion_seconds, None
    return CanaryCounts(
        answered=num_rows,
        timed_pairs=int(champion_seconds is not None),
        slower_pairs=int(champion_seconds is not None and is_clearly_slower(seconds, champion_seconds)),
    )


async def _ask(model: ServedModel, request: ChampionRequest) -> tuple[Answered, float]:
    started = time.perf_counter()
    answered = await model.batcher.answer(request.records, request.task, proba=request.proba)
    return answered, time.perf_counter() - started


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
