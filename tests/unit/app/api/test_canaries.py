"""What is told of canaries is told once, and what is wrong with one of them stops no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.api.canaries import Canaries
from growlearn.app.api.canary_comparison import RunningCanary
from growlearn.app.api.served_models import ChangedAnswers
from growlearn.domain.canary import Canary, CanaryAnswer, CanaryCounts
from growlearn.domain.errors import GrowLearnError, Unavailable

AT = datetime(2026, 11, 30, tzinfo=UTC)
CANARY = Canary(
    stream="a", number=1, version=2, champion=1, share_percent=5.0, alpha=0.05, follows_challenger=False,
    started_at=AT, started_by="ada",
)  # fmt: skip
ANSWER = CanaryAnswer(row_id="7", champion="1", version="2", at=AT)


class Record:
    """Canaries of the streams a and b; what it is told, and what it raises."""

    def __init__(self) -> None:
        self.canaries = [CANARY, replace(CANARY, stream="b")]
        self.told: list[tuple[str, int]] = []
        self.stopped: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def running(self) -> Sequence[Canary]:
        return self.canaries

    def add_counts(self, canary: Canary, counts: CanaryCounts, *_: Any) -> None:
        self.may_go_on.wait(20)
        if canary.stream in self.errors:
            raise self.errors.pop(canary.stream)
        self.told.append((canary.stream, counts.compared))

    def stop(self, stream: str, _number: int, reason: str, *_: Any) -> None:
        self.stopped.append(f"{stream}: {reason}")


class Models:
    """Opens versions, or raises."""

    champions = {"a": 1, "b": 1}  # noqa: RUF012

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    async def open(self, *_: Any) -> Any:
        if self.errors:
            raise self.errors.pop()
        return SimpleNamespace(version=2)


def make_canaries(record: Record, models: Models | None = None) -> tuple[Canaries, list[str]]:
    log: list[str] = []
    canaries = Canaries(record, models or Models(), ManualClock(), lambda event, _: log.append(event))  # type: ignore[arg-type]
    return canaries, log


def count(canaries: Canaries, *streams: str) -> None:
    for stream in streams:
        running = canaries.get(stream)
        assert running is not None
        running.counts += CanaryCounts(compared=3)
        running.add_answers([ANSWER])


def test_what_the_record_refuses_of_one_canary_is_told_later_and_of_others_now() -> None:
    record = Record()

    async def steps() -> None:
        canaries, log = make_canaries(record)
        await canaries.look()
        count(canaries, "a", "b")
        record.errors["a"] = GrowLearnError("a foreign key")
        await canaries.look()
        assert (record.told, log[-1]) == ([("b", 3)], "canary not told")
        await canaries.look()
        assert record.told == [("b", 3), ("a", 3)]

    asyncio.run(steps())


def test_what_is_being_told_as_the_process_stops_is_told_once() -> None:
    record = Record()

    async def steps() -> None:
        canaries, _ = make_canaries(record)
        await canaries.look()
        count(canaries, "a")
        record.may_go_on.clear()
        telling = asyncio.create_task(canaries.run(0.001))
        await asyncio.sleep(0.2)
        telling.cancel()
        await asyncio.sleep(0.05)
        record.may_go_on.set()
        await asyncio.gather(telling, return_exceptions=True)

    asyncio.run(steps())
    assert record.told == [("a", 3)]


@pytest.mark.parametrize(
    ("error", "is_stopped"),
    [(Unavailable("no mount"), False), (ChangedAnswers("changed"), True), (ValueError("odd"), True)],
)
def test_only_a_version_that_cannot_answer_is_stopped_not_one_whose_files_are_away(
    error: Exception, is_stopped: bool
) -> None:
    record, models = Record(), Models()
    record.canaries = [CANARY]
    models.errors = [error]

    async def steps() -> bool:
        canaries, _ = make_canaries(record, models)
        await canaries.look()
        assert bool(record.stopped) is is_stopped
        await canaries.look()
        return canaries.get("a") is not None

    assert asyncio.run(steps()) is True or is_stopped


def test_a_canary_of_a_stream_made_anew_is_another_one() -> None:
    record = Record()

    async def steps() -> None:
        canaries, _ = make_canaries(record)
        await canaries.look()
        first: RunningCanary | None = canaries.get("a")
        record.canaries = [replace(CANARY, started_at=datetime(2026, 12, 1, tzinfo=UTC))]
        await canaries.look()
        assert canaries.get("a") is not first

    asyncio.run(steps())


def test_what_led_to_a_stop_is_in_the_record_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted while the record is read."""
    record = Record()
    record.canaries = [CANARY]

    async def steps() -> None:
        canaries, _ = make_canaries(record)
        await canaries.look()
        running = canaries.get("a")
        assert running is not None

        def fail_meanwhile() -> Sequence[Canary]:
            running.counts += CanaryCounts(compared=1, failed=1)
            running.give_up("it refuses a row")
            return [CANARY]

        monkeypatch.setattr(record, "running", fail_meanwhile)
        await canaries.look()
        assert (record.told, record.stopped) == ([("a", 1)], ["a: it refuses a row"])

    asyncio.run(steps())
