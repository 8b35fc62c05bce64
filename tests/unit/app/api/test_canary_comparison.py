"""What is compared in the background has its bounds, whatever callers ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.api import canary_comparison
from growlearn.app.api.canary_comparison import AnsweredRequest, CanaryComparison, RunningCanary
from growlearn.domain.canary import Canary, CanaryAnswer, CanaryCounts
from growlearn.ingest.rows import object_column
from growlearn.serving.json_rows import JsonRows
from growlearn.serving.micro_batches import Answered
from growlearn.serving.predictor import Answers

CANARY = Canary(
    stream="digits", number=1, version=4, champion=3, share_percent=0.0, alpha=0.05, follows_challenger=True,
    started_at=datetime(2026, 11, 30, tzinfo=UTC), started_by="ada",
)  # fmt: skip


def answer(labels: list[Any]) -> Answered:
    answers = Answers(
        object_column(labels), np.ones(len(labels)), object_column(["a"] * len(labels)), np.empty((0, 0))
    )
    return Answered(JsonRows(None, np.arange(len(labels)), {}), answers)


class Models:
    """Computes where it is asked to, and notes how many rows at once; fails where told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[int] = []
        self.error = error

    async def compute_in_background(self, compute: Callable[[], Any]) -> Any:
        if self.error is not None:
            raise self.error
        return compute()

    def model(self) -> Any:
        def parse(records: list[dict[str, Any]], _task: str | None) -> Any:
            return SimpleNamespace(select=lambda start, stop: records[start:stop])

        def answer_at_once(records: list[dict[str, Any]]) -> Answered:
            self.batches.append(len(records))
            return answer([record["label"] for record in records])

        return SimpleNamespace(batcher=SimpleNamespace(parse=parse, answer_at_once=answer_at_once))


def make_request(running: RunningCanary, labels: list[Any], num_bytes: int = 100) -> AnsweredRequest:
    """Rows that the champion answered with 1, and that the canary's version answers with these labels."""
    records = [{"label": label} for label in labels]
    ids = [f"row {number}" for number in range(len(labels))]
    return AnsweredRequest(records, None, answer([1] * len(labels)), running.model, ids, num_bytes)


def compare(models: Models, running: RunningCanary, *requests: AnsweredRequest) -> CanaryComparison:
    comparison = CanaryComparison(models, ManualClock())  # type: ignore[arg-type]

    async def run() -> None:
        for request in requests:
            comparison.add(running, request)
        task = asyncio.create_task(comparison.run())
        while comparison._queue or comparison._waiting_rows:
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(run())
    return comparison


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_comparison, "_PAUSE_FACTOR", 0)


def test_rows_are_compared_in_small_batches_and_kept_for_their_labels() -> None:
    models = Models()
    running = RunningCanary(CANARY, models.model())
    compare(models, running, make_request(running, [1] * 100 + [2] * 50))
    assert models.batches == [64, 64, 22]
    assert running.counts == CanaryCounts(compared=150, agreed=100)
    assert [(one.row_id, one.champion, one.version) for one in running.answers[99:101]] == [
        ("row 99", "1", "1"),
        ("row 100", "1", "2"),
    ]


def test_what_does_not_fit_is_counted_and_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_comparison, "MAX_WAITING_ROWS", 100)
    models = Models()
    running = RunningCanary(CANARY, models.model())
    compare(models, running, make_request(running, [1] * 70), make_request(running, [1] * 70),
            make_request(running, [1] * 70))  # fmt: skip
    assert running.counts == CanaryCounts(compared=100, agreed=100, dropped=110)

    monkeypatch.setattr(canary_comparison, "MAX_WAITING_BYTES", 1000)
    running = RunningCanary(CANARY, models.model())
    compare(models, running, make_request(running, [1] * 70, 2000), make_request(running, [1], 5000))
    assert running.counts == CanaryCounts(compared=35, agreed=35, dropped=36)


def test_room_is_there_again_once_rows_were_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_comparison, "MAX_WAITING_ROWS", 10)
    models = Models()
    running = RunningCanary(CANARY, models.model())
    comparison = compare(models, running, make_request(running, [1] * 10))
    assert (comparison._waiting_rows, comparison._waiting_bytes) == (0, 0)


@pytest.mark.parametrize(
    ("share", "reason"), [(0.0, None), (5.0, "version 4 failed to answer: ValueError: odd")]
)
def test_a_version_that_raises_in_the_background_stops_where_it_answers_callers(
    share: float, reason: str | None
) -> None:
    models = Models(ValueError("odd"))
    running = RunningCanary(replace(CANARY, share_percent=share), models.model())
    compare(models, running, make_request(running, [1, 1]))
    assert (running.counts, running.stop_reason) == (CanaryCounts(failed=2), reason)


def test_a_champion_that_raises_in_the_background_is_not_the_canarys_fault() -> None:
    models = Models(ValueError("odd"))
    running = RunningCanary(replace(CANARY, share_percent=5.0), models.model())
    compare(models, running, replace(make_request(running, [1, 1]), other=models.model()))
    assert (running.counts, running.stop_reason) == (CanaryCounts(dropped=2), None)


def test_a_canary_that_has_ended_is_compared_no_more() -> None:
    models = Models()
    running = RunningCanary(CANARY, models.model(), stop_reason="it was stopped")
    compare(models, running, make_request(running, [1, 1]))
    assert (models.batches, running.counts) == ([], CanaryCounts())


def test_answers_for_a_record_that_is_away_are_bounded() -> None:
    running = RunningCanary(CANARY, Models().model())
    one = CanaryAnswer(row_id="a", champion="1", version="1", at=CANARY.started_at)
    running.add_answers([one] * 65_000)
    running.add_answers([one] * 1000)
    assert len(running.answers) == canary_comparison.MAX_UNWRITTEN_ANSWERS
