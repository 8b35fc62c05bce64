"""What a person decides: aliases move once, after the target's answers were checked, and requests go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from growlearn.app.api import answer_once, schemas, served_models
from growlearn.app.decisions import decide_rollback, store_decision
from growlearn.domain.api_key import ApiRequest
from growlearn.domain.decision_log import LogEntryKind
from growlearn.domain.environment import EnvironmentDifference
from growlearn.domain.errors import DatabaseUnavailable
from growlearn.pipeline.verify import Verification, verify_version
from tests.contract.api.conftest import API, DIGITS, Api, digit_rows

OTHER_CPU = EnvironmentDifference(name="cpu", recorded="x", current="y")


@pytest.fixture(autouse=True)
def as_before(api: Api) -> Iterator[None]:
    """The stream is shared by all tests: its champion is what it was."""
    before = api.context.store.stream("digits").champion
    yield
    if api.context.store.stream("digits").champion != before:
        assert api.send("POST", f"{DIGITS}/promote", json={"version": before}).status_code == 200
    api.send("POST", f"{DIGITS}/resume")


def champion(api: Api) -> int:
    number = api.context.store.stream("digits").champion
    assert number is not None
    return number


def test_a_rollback_and_a_promotion_move_the_champion_that_answers(api: Api) -> None:
    newest = champion(api)
    assert api.predict(digit_rows(0)).json()["version"] == newest

    back = api.send("POST", f"{DIGITS}/rollback", "operator", json={"version": 1, "reason": "worse"})
    assert back.json()["changes"] == [{"alias": "champion", "before": newest, "after": 1}]
    assert (champion(api), api.predict(digit_rows(0)).json()["version"]) == (1, 1)

    on = api.send("POST", f"{DIGITS}/promote", "operator", json={"version": newest})
    assert (on.status_code, api.predict(digit_rows(0)).json()["version"]) == (200, newest)
    last = api.context.store.alias_changes("digits")[-2]
    assert (last.reason, last.actor) == ("worse", f"a operator (key {api.tokens['operator id']})")


def test_requests_go_on_across_swaps_and_none_is_dropped(api: Api) -> None:
    newest, row = champion(api), digit_rows(3)
    expected = {v: api.predict(row, version=v).json()["predictions"] for v in (1, newest)}

    def ask(_: int) -> tuple[int, Any]:
        response = api.predict(row)
        return response.status_code, response.json()

    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(ask, range(120))
        for version in (1, newest, 1):
            move = "rollback" if version == 1 else "promote"
            assert api.send("POST", f"{DIGITS}/{move}", json={"version": version}).status_code == 200
        results = list(answers)
    assert {status for status, _ in results} == {200}
    assert all(answer["predictions"] == expected[answer["version"]] for _, answer in results)


def test_a_move_by_another_process_is_followed(api: Api) -> None:
    newest = champion(api)
    api.predict(digit_rows(0))
    store = api.context.store
    store_decision(store, decide_rollback(store, "digits", 1, "ada", "by hand", api.context.clock.now()))
    deadline = time.monotonic() + 20
    while api.predict(digit_rows(0)).json()["version"] == newest:
        assert time.monotonic() < deadline
        time.sleep(0.05)  # the other thread's own poll
    assert api.predict(digit_rows(0)).json()["version"] == 1


def test_a_version_that_does_not_give_its_stored_answers_is_not_promoted(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = champion(api)
    before = api.predict(digit_rows(0)).json()
    verify = verify_version

    def broken(*arguments: Any, **options: Any) -> Verification:
        found = verify(*arguments, **options)
        return replace(found, output_differences={"a": 0.5}, environment_differences=())

    monkeypatch.setattr(served_models, "verify_version", broken)
    response = api.send("POST", f"{DIGITS}/rollback", json={"version": 1})
    assert response.status_code == 503
    assert "does not answer" in response.json()["detail"]
    assert (champion(api), api.predict(digit_rows(0)).json()) == (newest, before)


@pytest.mark.parametrize(
    ("differences", "environment", "allowed"),
    [
        ({}, (), True),
        ({"a": 1e-7}, (), False),
        ({"a": 1e-7}, (OTHER_CPU,), True),
        ({"a": 1e-2}, (OTHER_CPU,), False),
        ({"a": 1e-7}, None, False),
    ],
)
def test_only_another_machine_may_change_the_last_bits(
    differences: dict[str, float], environment: Any, allowed: bool
) -> None:
    verification = Verification(
        version=1, num_checked_tasks=1, output_differences=differences, missing_tasks=(),
        environment_differences=environment,
    )  # fmt: skip
    assert served_models.may_answer(verification) is allowed


def test_what_the_state_forbids_is_a_conflict(api: Api) -> None:
    again = api.send("POST", f"{DIGITS}/promote", json={"version": champion(api)})
    assert (again.status_code, "is the champion already" in again.json()["detail"]) == (409, True)
    nobody = api.send("POST", f"{DIGITS}/promote")
    assert (nobody.status_code, "has no challenger" in nobody.json()["detail"]) == (409, True)
    assert api.send("POST", f"{DIGITS}/promote", json={"version": 99}).status_code == 404
    assert api.send("POST", f"{API}/streams/letters/promote").status_code == 404
    assert api.send("POST", f"{DIGITS}/promote", json={"version": "x"}).status_code == 422
    assert api.send("POST", f"{DIGITS}/promote", json={"versio": 1}).status_code == 422


def test_a_stream_is_paused_once_by_the_holder_of_the_key(api: Api) -> None:
    first, second = (api.send("POST", f"{DIGITS}/pause", "operator").json() for _ in range(2))
    assert first == {"stream": "digits", "paused": True, "changed": True}
    assert second == {"stream": "digits", "paused": True, "changed": False}
    assert api.get(DIGITS)["state"] == "paused"
    assert api.send("POST", f"{DIGITS}/resume").json()["changed"]
    entries = [e for e in api.context.store.decision_log("digits") if e.kind is LogEntryKind.PAUSED]
    assert entries[-1].actor == f"a operator (key {api.tokens['operator id']})"
    assert api.send("POST", f"{API}/streams/letters/pause").status_code == 404


def test_a_write_with_an_idempotency_key_is_done_once(api: Api) -> None:
    def pause(key: str, path: str = "pause", role: str = "operator") -> Any:
        return api.send("POST", f"{DIGITS}/{path}", role, headers={"Idempotency-Key": key})

    name = f"once-{api.tokens['operator id']}"
    first = pause(name)
    api.send("POST", f"{DIGITS}/resume")
    again = pause(name)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (
        None,
        "true",
    )
    assert api.context.store.stream("digits").paused_at is None
    assert pause(name, "resume").status_code == 422  # the same key for another request
    assert pause(name, role="admin").json()["changed"]  # another caller's key is another one
    assert pause("\x7f").status_code == 422


def test_a_request_that_failed_may_be_sent_again(make_api: Callable[..., Api]) -> None:
    api = make_api()
    headers = {"Idempotency-Key": f"fails-{api.tokens['operator id']}"}
    for _ in range(2):
        response = api.send("POST", f"{DIGITS}/promote", json={"version": 99}, headers=headers)
        assert response.status_code == 404


@pytest.mark.parametrize("note", ["finish_request", "drop_request"])
def test_an_answer_that_cannot_be_noted_is_given_all_the_same(
    make_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch, note: str
) -> None:
    """A database that goes away then has the change; an error would say that nothing was done."""
    api = make_api()

    def is_away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(answer_once, "_RETRY_S", 0.0)
    monkeypatch.setattr(api.context.records, note, is_away)
    headers = {"Idempotency-Key": f"{note}-{api.tokens['operator id']}"}
    path, status = ("resume", 200) if note == "finish_request" else ("promote", 404)
    asked = {} if path == "resume" else {"json": {"version": 99}}
    response = api.send("POST", f"{DIGITS}/{path}", "operator", headers=headers, **asked)
    assert response.status_code == status, response.text
    again = api.send("POST", f"{DIGITS}/{path}", "operator", headers=headers, **asked)
    assert (again.status_code, "done anew after five minutes" in again.json()["hint"]) == (409, True)


def test_a_rollback_to_whatever_comes_before_is_not_done_anew_where_its_process_died(api: Api) -> None:
    """Else the champion would be two versions back."""
    before = api.context.store.stream("digits").champion
    rollback_body = schemas.VersionRequest().model_dump_json().encode()
    for path, body, status in (("rollback", rollback_body, 409), ("resume", b"", 200)):
        key, route = f"died-{path}-{api.tokens['operator id']}", f"{DIGITS}/{path}"
        claimed = ApiRequest(
            key=answer_once._digest(api.tokens["operator id"], key),
            request_sha256=answer_once._digest("POST", route, body),
            started_at=api.context.clock.now() - timedelta(hours=1),
        )
        assert api.context.records.claim_request(claimed, claimed.started_at) is None
        response = api.send("POST", route, "operator", headers={"Idempotency-Key": key})
        assert response.status_code == status, response.text
    assert api.context.store.stream("digits").champion == before
