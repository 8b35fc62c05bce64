"""A version that answers some requests beside the champion, is compared on all, and stops by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice
from typing import Any

import pytest

from growlearn.app.api import canaries
from growlearn.app.api.served_models import ServedModel, ServedModels
from growlearn.domain.canary import AUTOMATIC
from growlearn.domain.decision_log import LogEntryKind
from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.job import WindowingConfig
from growlearn.domain.serving_config import RequestLogConfig, ServingConfig
from growlearn.serving.canary import is_chosen
from growlearn.serving.predictor import Answers
from tests.contract.api.conftest import API, DIGITS, Api, digit_rows

CANARY = f"{DIGITS}/canary"


@pytest.fixture(autouse=True)
def as_before(api: Api) -> Iterator[None]:
    """Rows have ids. All tests share the stream: its job and its champion are restored."""
    store, clock = api.context.store, api.context.clock
    before = store.stream("digits")
    store.apply(replace(before.job, schema=replace(before.job.schema, id_column="id")), clock.now())
    yield
    store.canaries.stop("digits", None, "the test is over", clock.now(), "test")
    store.apply(before.job, clock.now())
    if store.stream("digits").champion != before.champion:
        asked = {"version": before.champion}
        assert api.send("POST", f"{DIGITS}/promote", json=asked).status_code == 200


@pytest.fixture
def champion(api: Api) -> int:
    number = api.context.store.stream("digits").champion
    assert number is not None
    return number


def start(api: Api, share: float = 0.0) -> Any:
    """Start version 1, which knows the digits 0 and 1 alone, as a canary of a stream that was asked for."""
    api.predict(digit_rows(0, task="a"))
    response = api.send("POST", CANARY, "operator", json={"version": 1, "share_percent": share})
    assert response.status_code == 200, response.text
    return response.json()


def choose_ids(api: Api, chosen: bool) -> Iterator[int]:
    """The ids of rows that the canary answers, or does not."""
    canary = api.context.store.canaries.of_stream("digits")[-1]
    return (number for number in count() if is_chosen(canary, str(number).encode()) is chosen)


def ask(api: Api, *ids: int, task: str = "a") -> list[Any]:
    """The answers to a request for each id, of a digit that is 0 or 1, or 2 or 3 for task b."""
    answers = []
    for row_id in ids:
        response = api.predict(digit_rows(row_id % 2 + 2 * (task == "b"), task=task, id=row_id))
        assert response.status_code == 200, response.text
        answers.append(response.json())
    return answers


def newest(api: Api) -> Any:
    return api.get(CANARY)["canaries"][-1]


def wait(api: Api, is_there: Callable[[Any], bool]) -> Any:
    """The newest canary, once it is as wanted."""
    started = time.monotonic()
    while time.monotonic() - started < 120:
        canary = newest(api)
        if is_there(canary):
            return canary
        time.sleep(0.05)
    raise AssertionError(f"{canary}; {api.log}")


def wait_for_event(api: Api, event: str) -> None:
    """Until that process has logged it."""
    started = time.monotonic()
    while event not in [name for name, _ in api.log]:
        assert time.monotonic() - started < 120, api.log
        time.sleep(0.02)


def metrics(api: Api) -> str:
    return str(api.send("GET", "/metrics", "viewer").text)


def version_one(api: Api) -> ServedModel:
    """As this process has it open."""
    return api.context.models._open["digits", 1]


def test_what_is_only_compared_answers_nobody(api: Api, champion: int) -> None:
    started = start(api)
    assert (started["version"], started["champion"], started["running"]) == (1, champion, True)
    assert [each["version"] for each in ask(api, *range(4))] == [champion] * 4
    api.predict(digit_rows(0, task="a"), version=1)  # who names a version is not compared
    canary = wait(api, lambda each: each["compared_rows"] == 4)
    assert (canary["answered_rows"], canary["agreement"], canary["dropped_rows"]) == (0, 1.0, 0)

    assert ask(api, 2, task="b")[0]["version"] == champion
    canary = wait(api, lambda each: each["compared_rows"] == 5)  # version 1 knows no task b
    assert (canary["failed_rows"], canary["running"], canary["agreement"]) == (1, True, 0.8)


def test_a_share_of_the_requests_is_answered_by_the_canary_always_the_same(api: Api, champion: int) -> None:
    start(api, 20)
    mine, others = (list(islice(choose_ids(api, chosen), 3)) for chosen in (True, False))
    first, again = ask(api, *others, *mine), ask(api, *others, *mine)
    assert ([each["version"] for each in first], first) == ([champion] * 3 + [1] * 3, again)
    row = digit_rows(0, task="a")  # without an id the whole request chooses
    assert len({api.predict(row).json()["version"] for _ in range(3)}) == 1
    assert api.predict(digit_rows(0, 1, task="a", id=mine[0]), proba=True).json()["version"] == 1
    canary = wait(api, lambda each: each["compared_rows"] == 17)
    assert (canary["answered_rows"] in (8, 11), canary["agreement"], canary["timed_pairs"] > 0) == (
        True,
        1,
        True,
    )

    assert api.send("DELETE", CANARY, "operator").json()["stop_reason"] == "stopped by hand"
    assert ask(api, *mine)[0]["version"] == champion


def answer_wrong(model: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it mistake each 0 for a 1 and each 1 for a 0."""
    answer = model.batcher.predictor.answer

    def swap(*arguments: Any, **options: Any) -> Answers:
        answers = answer(*arguments, **options)
        return replace(answers, prediction=1 - answers.prediction)

    monkeypatch.setattr(model.batcher.predictor, "answer", swap)


def test_labels_by_id_stop_a_canary_that_is_less_accurate(
    api: Api, champion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = api.context.store
    logging = ServingConfig(request_log=RequestLogConfig(flush_rows=1))
    job = replace(store.stream("digits").job, windowing=WindowingConfig(rows=50), serving=logging)
    store.apply(job, api.context.clock.now())
    start(api, 20)
    answer_wrong(version_one(api), monkeypatch)
    labels = []
    for chosen in (True, False):
        row_id = next(choose_ids(api, chosen))
        rows = [row | {"id": f"{row_id}-{n}"} for n, row in enumerate(digit_rows(*[0, 1] * 10, task="a"))]
        rows[0]["id"] = row_id
        answer = api.predict(rows).json()
        assert answer["version"] == (1 if chosen else champion)
        labels += [
            {"id": each["id"], "label": 1 - each["prediction"] if chosen else each["prediction"]}
            for each in answer["predictions"]
        ]
    wait(api, lambda each: each["compared_rows"] == len(labels))
    for half in (labels[:30], labels[30:]):
        for _ in range(2):  # a label that is sent again is counted once
            posted = api.send("POST", f"{DIGITS}/labels", "operator", json={"labels": half})
            assert posted.status_code == 202
    canary = wait(api, lambda each: not each["running"])
    started = time.monotonic()  # one more row was asked before the canary was there
    while f'growlearn_logged_rows_total{{stream="digits"}} {len(labels) + 1}.0' not in metrics(api):
        assert time.monotonic() - started < 120
        time.sleep(0.05)
    for path in api.source.iterdir():
        path.unlink()

    assert canary["stop_reason"].startswith("version 1 is less accurate: 0.00% right against 100.00%")
    assert (canary["stopped_by"], canary["agreement"]) == (AUTOMATIC, 0.0)
    assert (canary["labelled_rows"], canary["accuracy_p_value"] < canary["alpha"] / 2) == (len(labels), True)
    last = store.decision_log("digits")[-1]
    assert (last.kind, last.actor, last.canary) == (LogEntryKind.CANARY_STOPPED, AUTOMATIC, canary["number"])
    report = api.get(f"{DIGITS}/why", params={"which": "1"})["report"]
    (lines,) = [section["lines"] for section in report if section["heading"] == "Canary"]
    assert canary["stop_reason"] in lines[-1]


def test_a_canary_that_raises_costs_no_caller_his_answer(
    api: Api, champion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(api, 20)
    row_id = next(choose_ids(api, True))

    def fail(*_: Any, **__: Any) -> Answers:
        raise RuntimeError("boom at sqlite:///x?password=hunter2")

    monkeypatch.setattr(version_one(api).batcher.predictor, "answer", fail)
    (answer,) = ask(api, row_id)
    named = api.predict(digit_rows(row_id % 2, task="a", id=row_id), version=champion).json()
    assert (answer["version"], answer["predictions"]) == (champion, named["predictions"])
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"].startswith("version 1 failed to answer: RuntimeError: boom at ")
    assert ("hunter2" not in canary["stop_reason"], canary["failed_rows"]) == (True, 1)


def test_a_row_that_only_the_champion_answers_is_answered_by_it_and_ends_the_canary(
    api: Api, champion: int
) -> None:
    start(api, 20)
    for number in range(3):  # what both refuse is the caller's fault
        assert api.predict([{"image": [number]}]).status_code == 422
        bad = [*digit_rows(0, task="a"), {"image": [number]}]
        assert [error["row"] for error in api.predict(bad).json()["errors"]] == [1]
    canary = wait(api, lambda each: each["compared_rows"] == 3)
    assert (canary["failed_rows"], canary["running"]) == (0, True)

    (answer,) = ask(api, next(choose_ids(api, True)), task="b")  # version 1 knows no task b
    assert (answer["version"], answer["errors"]) == (champion, [])
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"].startswith("version 1 refuses a row that the champion answers: ")
    assert canary["failed_rows"] == 1


def test_a_canary_that_is_clearly_slower_stops(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    def note(seconds: float, champion_seconds: float) -> bool:
        times.append((seconds, champion_seconds))
        return True

    monkeypatch.setattr(canaries, "is_clearly_slower", note)
    start(api, 20)
    for mine, other in islice(zip(choose_ids(api, True), choose_ids(api, False), strict=False), 12):
        ask(api, other, mine, mine)  # each of the champion's times is paired once
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"].startswith("version 1 is slower: it took more than 2 times as long")
    # A request that was being answered when the canary stopped is timed, but no longer told.
    assert 0 < canary["timed_pairs"] == canary["slower_pairs"] <= len(times) <= 12
    assert all(seconds > 0 and champion_seconds > 0 for seconds, champion_seconds in times)


def test_all_processes_know_a_canary_and_what_was_counted_survives_them(
    make_api: Callable[..., Api], champion: int
) -> None:
    one, other = make_api(), make_api()
    ask(other, 0)
    start(one, 20)
    row_id = next(choose_ids(one, True))
    wait_for_event(other, "canary taken up")
    assert [ask(each, row_id)[0]["version"] for each in (one, other)] == [1, 1]
    wait(one, lambda each: each["compared_rows"] == 2)

    restarted = make_api()
    ask(restarted, 0)
    wait_for_event(restarted, "canary taken up")
    assert ask(restarted, row_id)[0]["version"] == 1
    assert restarted.send("DELETE", CANARY).status_code == 200
    wait_for_event(one, "canary ended")
    assert ask(one, row_id)[0]["version"] == champion


def test_a_champion_that_moves_ends_the_canary(api: Api, champion: int) -> None:
    start(api, 20)
    row_id = next(choose_ids(api, True))
    assert api.send("POST", f"{DIGITS}/rollback", json={"version": 1}).status_code == 200
    assert newest(api)["stop_reason"] == "version 1 is the champion now"
    assert ask(api, row_id)[0]["version"] == 1
    assert api.send("POST", CANARY, json={"version": champion, "share_percent": 5}).status_code == 200
    assert api.send("POST", f"{DIGITS}/promote", json={"version": champion}).status_code == 200
    assert newest(api)["stop_reason"] == f"version {champion} is the champion now"


def test_a_version_that_cannot_be_opened_stops_and_says_why(
    api: Api, champion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = ServedModels._load_version

    def load_champion(self: ServedModels, stream: str, number: int) -> Any:
        if number == 1:
            raise CorruptArtifact("file 1234 is gone")
        return load(self, stream, number)

    monkeypatch.setattr(ServedModels, "_load_version", load_champion)
    start(api, 20)
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"] == "version 1 cannot be opened: file 1234 is gone"
    assert ask(api, next(choose_ids(api, True)))[0]["version"] == champion
    events = [fields for event, fields in api.log if event == "canary stopped"]
    assert [each["reason"] for each in events] == [canary["stop_reason"]]


def test_what_cannot_be_started_or_stopped_is_one_error(api: Api, champion: int) -> None:
    before = api.get(CANARY)
    for asked, status, detail in (
        ({"version": 99}, 404, "has no version 99"),
        ({}, 409, "has no challenger"),
        ({"version": champion, "share_percent": 5}, 409, "is the champion"),
        ({"version": 1, "share_percent": 50.1}, 422, "less than or equal to 50"),
        ({"version": 1, "share": 5}, 422, "Extra inputs"),
    ):
        response = api.send("POST", CANARY, "operator", json=asked)
        assert (response.status_code, detail in response.text) == (status, True), response.text
    assert api.send("DELETE", CANARY, "operator").status_code == 409
    assert api.get(CANARY) == before
    assert api.send("GET", f"{API}/streams/nothing/canary").status_code == 404

    headers = {"Idempotency-Key": f"canary-{time.monotonic_ns()}"}
    asked = {"version": 1, "share_percent": 5}
    first, again = (api.send("POST", CANARY, json=asked, headers=headers).json() for _ in range(2))
    assert (first, newest(api)["number"]) == (again, first["number"])
