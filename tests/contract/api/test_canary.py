"""A version that answers some requests beside the champion, is compared on all, and stops by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from growlearn.app.api.served_models import ServedModel, ServedModels
from growlearn.domain.canary import AUTOMATIC
from growlearn.domain.decision_log import LogEntryKind
from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.job import WindowingConfig
from growlearn.domain.serving_config import RequestLogConfig, ServingConfig
from growlearn.serving.predictor import Answers
from tests.contract.api.conftest import API, DIGITS, Api, digit_rows

CANARY = f"{DIGITS}/canary"
ROWS = [0, 1, 10, 11, 20, 21, 30, 42, 36, 47, 48, 49, 55, 56, 70, 72]  # digits 0 and 1, which both know


@pytest.fixture(autouse=True)
def as_before(api: Api) -> Iterator[None]:
    """The stream is shared by all tests: its job and its champion are what they were, and no canary runs."""
    store, clock = api.context.store, api.context.clock
    before = store.stream("digits")
    yield
    store.stop_canary("digits", None, "the test is over", clock.now(), "test")
    store.apply(before.job, clock.now())
    if store.stream("digits").champion != before.champion:
        asked = {"version": before.champion}
        assert api.send("POST", f"{DIGITS}/promote", json=asked).status_code == 200


def start(api: Api, share: float = 0.0) -> Any:
    """Start version 1 as a canary of a stream that was asked for."""
    api.predict(digit_rows(0, task="a"))
    response = api.send("POST", CANARY, "operator", json={"version": 1, "share_percent": share})
    assert response.status_code == 200, response.text
    return response.json()


def newest(api: Api) -> Any:
    return api.get(CANARY)["canaries"][-1]


def wait(api: Api, is_there: Callable[[Any], bool]) -> Any:
    """The newest canary, once it is as wanted."""
    started = time.monotonic()
    while time.monotonic() - started < 30:
        canary = newest(api)
        if is_there(canary):
            return canary
        time.sleep(0.02)
    raise AssertionError(f"{canary}; {api.log}")


def wait_for_event(api: Api, event: str) -> None:
    """Until that process has logged it."""
    started = time.monotonic()
    while event not in [name for name, _ in api.log]:
        assert time.monotonic() - started < 30, api.log
        time.sleep(0.02)


def version_one(api: Api) -> ServedModel:
    """As this process has it open."""
    return api.context.models._open["digits", 1]


def ask_both(api: Api, **options: Any) -> dict[int, list[Any]]:
    """The answers to a request for each of the rows, by the version that gave them."""
    answers: dict[int, list[Any]] = {}
    for row in ROWS:
        response = api.predict(digit_rows(row, task="a"), **options)
        assert response.status_code == 200, response.text
        answers.setdefault(response.json()["version"], []).append((row, response.json()["predictions"]))
    return answers


def test_what_is_only_compared_answers_nobody(api: Api) -> None:
    champion = api.context.store.stream("digits").champion
    started = start(api)
    assert (started["version"], started["champion"], started["running"]) == (1, champion, True)
    assert set(ask_both(api)) == {champion}
    api.predict(digit_rows(*ROWS[:2], task="a"), version=1)  # who names a version is not compared
    canary = wait(api, lambda each: each["compared_rows"] == len(ROWS))
    assert (canary["answered_rows"], canary["agreement"], canary["dropped_rows"]) == (0, 1.0, 0)

    assert api.predict(digit_rows(2, 3, task="b")).json()["version"] == champion
    canary = wait(api, lambda each: each["compared_rows"] == len(ROWS) + 2)  # version 1 knows no task b
    assert (canary["failed_rows"], canary["running"]) == (2, True)
    assert canary["agreement"] == len(ROWS) / (len(ROWS) + 2)


def test_a_share_of_the_requests_is_answered_by_the_canary_always_the_same(api: Api) -> None:
    champion = api.context.store.stream("digits").champion
    start(api, 50)
    first, again = ask_both(api), ask_both(api)
    assert (set(first), first) == ({1, champion}, again)
    canary = wait(api, lambda each: each["compared_rows"] == 2 * len(ROWS))
    assert (canary["answered_rows"], canary["running"]) == (2 * len(first[1]), True)
    assert canary["timed_pairs"] > 0

    assert api.send("DELETE", CANARY, "operator").json()["stop_reason"] == "stopped by hand"
    assert set(ask_both(api)) == {champion}


def test_the_row_id_chooses_the_version_whatever_else_a_request_says(api: Api) -> None:
    store, clock = api.context.store, api.context.clock
    job = store.stream("digits").job
    store.apply(replace(job, schema=replace(job.schema, id_column="id")), clock.now())
    start(api, 50)
    by_id = {
        row_id: {api.predict(digit_rows(row, task="a", id=row_id)).json()["version"] for row in ROWS[:2]}
        for row_id in range(16)
    }
    assert all(len(versions) == 1 for versions in by_id.values())
    assert set.union(*by_id.values()) == {1, store.stream("digits").champion}


def answer_wrong(model: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it mistake each 0 for a 1 and each 1 for a 0."""
    answer = model.batcher.predictor.answer

    def swap(*arguments: Any, **options: Any) -> Answers:
        answers = answer(*arguments, **options)
        return replace(answers, prediction=1 - answers.prediction)

    monkeypatch.setattr(model.batcher.predictor, "answer", swap)


def test_labels_by_id_stop_a_canary_that_is_less_accurate(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    store, clock = api.context.store, api.context.clock
    job = store.stream("digits").job
    logging = ServingConfig(request_log=RequestLogConfig())
    schema = replace(job.schema, id_column="id")
    windowing = WindowingConfig(rows=50)
    store.apply(replace(job, schema=schema, windowing=windowing, serving=logging), clock.now())
    start(api, 25)
    answer_wrong(version_one(api), monkeypatch)
    rows = digit_rows(*ROWS, task="a")
    labels = []
    for number, row in enumerate(rows):
        asked = [{**row, "id": f"{number}-{digit}"} for digit in range(3)]
        answer = api.predict(asked).json()
        right = answer["version"] != 1
        labels += [
            {"id": each["id"], "label": each["prediction"] if right else 1 - each["prediction"]}
            for each in answer["predictions"]
        ]
    wait(api, lambda each: each["compared_rows"] == len(labels))
    for half in (labels[:30], labels[30:]):
        assert api.send("POST", f"{DIGITS}/labels", "operator", json={"labels": half}).status_code == 202
        assert api.send("POST", f"{DIGITS}/labels", "operator", json={"labels": half}).status_code == 202
    canary = wait(api, lambda each: not each["running"])
    for path in api.source.iterdir():
        path.unlink()

    assert canary["stop_reason"].startswith("version 1 is less accurate: 0.00% right against 100.00%")
    assert (canary["stopped_by"], canary["agreement"]) == (AUTOMATIC, 0.0)
    wait(api, lambda each: each["labelled_rows"] == len(labels))
    assert newest(api)["accuracy_p_value"] < canary["alpha"] / 2
    assert set(ask_both(api)) == {store.stream("digits").champion}
    last = store.decision_log("digits")[-1]
    assert (last.kind, last.actor, last.canary) == (LogEntryKind.CANARY_STOPPED, AUTOMATIC, canary["number"])
    report = api.get(f"{DIGITS}/why", params={"which": "1"})["report"]
    (lines,) = [section["lines"] for section in report if section["heading"] == "Canary"]
    assert canary["stop_reason"] in lines[-1]


def test_a_canary_that_raises_costs_no_caller_his_answer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    champion = api.context.store.stream("digits").champion
    expected = {row: api.predict(digit_rows(row, task="a")).json()["predictions"] for row in ROWS}
    start(api, 50)

    def fail(*_: Any, **__: Any) -> Answers:
        raise RuntimeError("boom at sqlite:///x?password=hunter2")

    monkeypatch.setattr(version_one(api).batcher.predictor, "answer", fail)
    assert dict(ask_both(api)[champion]) == expected
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"].startswith("version 1 failed to answer: RuntimeError: boom at ")
    assert "hunter2" not in canary["stop_reason"]
    assert canary["failed_rows"] > 0


def test_a_row_that_only_the_champion_answers_is_answered_by_it_and_ends_the_canary(api: Api) -> None:
    champion = api.context.store.stream("digits").champion
    start(api, 50)
    for row in range(2, 30):  # version 1 knows no task b
        answer = api.predict(digit_rows(row, task="b")).json()
        assert (answer["version"], answer["errors"]) == (champion, [])
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"].startswith("version 1 refuses a row that the champion answers: ") or (
        canary["stop_reason"] == f"version 1 refuses a row that champion {champion} answers"
    )
    assert canary["answered_rows"] == 0


def test_a_row_that_both_refuse_is_the_callers_fault(api: Api) -> None:
    start(api, 50)
    for number in range(8):
        assert api.predict([{"image": [number]}]).status_code == 422
        bad = [*digit_rows(0, task="a"), {"image": [number]}]
        assert [error["row"] for error in api.predict(bad).json()["errors"]] == [1]
    canary = wait(api, lambda each: each["compared_rows"] == 8)
    assert (canary["failed_rows"], canary["running"]) == (0, True)


def test_a_canary_that_is_clearly_slower_stops(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    start(api, 50)
    predictor = version_one(api).batcher.predictor
    answer = predictor.answer

    def wait_first(*arguments: Any, **options: Any) -> Answers:
        time.sleep(0.1)
        return answer(*arguments, **options)

    monkeypatch.setattr(predictor, "answer", wait_first)
    for digit in range(400):
        api.predict(digit_rows(ROWS[digit % len(ROWS)], task="a", asked=digit))
        if not newest(api)["running"]:
            break
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"].startswith("version 1 is slower: it took more than 2 times as long")


def test_all_processes_know_a_canary_and_what_was_counted_survives_them(make_api: Callable[..., Api]) -> None:
    one, other = make_api(), make_api()
    champion = one.context.store.stream("digits").champion
    other.predict(digit_rows(0, task="a"))
    start(one, 50)
    first = ask_both(one)
    wait_for_event(other, "canary taken up")
    assert ask_both(other) == first
    wait(other, lambda each: each["compared_rows"] == 2 * len(ROWS))

    restarted = make_api()
    restarted.predict(digit_rows(0, task="a"))
    wait_for_event(restarted, "canary taken up")
    row = first[1][0][0]
    assert restarted.predict(digit_rows(row, task="a")).json()["version"] == 1
    assert restarted.send("DELETE", CANARY).status_code == 200
    wait_for_event(one, "canary ended")
    assert one.predict(digit_rows(row, task="a")).json()["version"] == champion


def test_a_champion_that_moves_ends_the_canary(api: Api) -> None:
    champion = api.context.store.stream("digits").champion
    start(api, 50)
    assert api.send("POST", f"{DIGITS}/rollback", json={"version": 1}).status_code == 200
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"] == "version 1 is the champion now"
    assert set(ask_both(api)) == {1}
    assert api.send("POST", CANARY, json={"version": champion, "share_percent": 5}).status_code == 200
    assert api.send("POST", f"{DIGITS}/promote", json={"version": champion}).status_code == 200
    assert newest(api)["stop_reason"] == f"version {champion} is the champion now"


def test_a_version_that_cannot_be_opened_stops_and_says_why(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = api.context.store.stream("digits").champion
    load = ServedModels._load_version

    def load_champion(self: ServedModels, stream: str, number: int) -> Any:
        if number == 1:
            raise CorruptArtifact("file 1234 is gone")
        return load(self, stream, number)

    monkeypatch.setattr(ServedModels, "_load_version", load_champion)
    api.context.models._open.pop(("digits", 1), None)
    start(api, 50)
    canary = wait(api, lambda each: not each["running"])
    assert canary["stop_reason"] == "version 1 cannot be opened: file 1234 is gone"
    assert set(ask_both(api)) == {champion}
    events = [fields for event, fields in api.log if event == "canary stopped"]
    assert [each["reason"] for each in events] == [canary["stop_reason"]]


@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        ({"version": 99}, 404, "has no version 99"),
        ({}, 409, "has no challenger"),
        ({"version": 3, "share_percent": 5}, 409, "is the champion"),
        ({"version": 1, "share_percent": 50.1}, 422, "less than or equal to 50"),
        ({"version": 1, "share": 5}, 422, "Extra inputs"),
    ],
)
def test_what_cannot_be_started_is_one_error(api: Api, asked: Any, status: int, detail: str) -> None:
    before = api.get(CANARY)
    response = api.send("POST", CANARY, "operator", json=asked)
    assert (response.status_code, detail in response.text) == (status, True), response.text
    assert api.get(CANARY) == before
    assert api.send("DELETE", CANARY, "operator").status_code == 409
    assert api.send("GET", f"{API}/streams/nothing/canary").status_code == 404


def test_a_request_with_an_idempotency_key_starts_one_canary(api: Api) -> None:
    headers = {"Idempotency-Key": f"canary-{time.monotonic_ns()}"}
    asked = {"version": 1, "share_percent": 5}
    first, again = (api.send("POST", CANARY, json=asked, headers=headers).json() for _ in range(2))
    assert first == again
    assert newest(api)["number"] == first["number"]
