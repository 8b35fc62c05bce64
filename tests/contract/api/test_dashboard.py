"""The dashboard over real streams: every page, its marks, signing in, and the moves of an operator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from growlearn.app.api.access import COOKIE
from tests.contract.api.conftest import API, DIGITS, Api

ORIGIN = {"Origin": "http://testserver"}
STREAM = "/streams/digits"
PAGES = (
    "/",
    STREAM,
    f"{STREAM}/windows",
    f"{STREAM}/windows/w1",
    f"{STREAM}/drift",
    f"{STREAM}/lineage",
    f"{STREAM}/lineage?rejected=true",
    f"{STREAM}/branches/b1",
    f"{STREAM}/accuracy",
    f"{STREAM}/accuracy?version=1",
    f"{STREAM}/versions",
    f"{STREAM}/compare?old=1&new=2",
    f"{STREAM}/quarantine",
)


@pytest.fixture(autouse=True)
def as_before(api: Api) -> Iterator[None]:
    """The stream is shared by all tests: its champion is what it was."""
    before = api.context.store.stream("digits").champion
    yield
    if api.context.store.stream("digits").champion != before:
        assert api.send("POST", f"{DIGITS}/promote", json={"version": before}).status_code == 200
    api.send("POST", f"{DIGITS}/resume")


def page(api: Api, path: str, role: str = "viewer") -> str:
    response = api.send("GET", path, role)
    assert response.status_code == 200, response.text
    return str(response.text)


def count_marks(text: str) -> int:
    """Marks of all charts of a page."""
    return len(re.findall(r"<(?:rect|circle) class=\"mark\b", text))


def as_browser(api: Api, role: str, **headers: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={api.tokens[role]}", **headers}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_html_that_loads_nothing_from_elsewhere(api: Api, path: str) -> None:
    response = api.send("GET", path, "viewer")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert re.findall(r"(?:src|href|action)=\"(?!/|#|\?)[^\"]*", response.text) == []
    assert re.findall(r"<[^>]* (?:style|on[a-z]+)=|<style|<script(?![^>]* src=)", response.text) == []


def test_charts_have_a_mark_for_each_thing_in_the_record(api: Api) -> None:
    store = api.context.store
    windows, branches = store.windows("digits"), store.branches("digits")
    judged = [window for window in windows if window.verdict is not None]
    assert count_marks(page(api, STREAM)) == len(windows)
    assert count_marks(page(api, f"{STREAM}/windows")) == len(windows)
    assert count_marks(page(api, f"{STREAM}/drift")) == len(judged)
    assert count_marks(page(api, f"{STREAM}/lineage?rejected=true")) == len(branches)

    matrix = api.get(f"{DIGITS}/matrix")
    measured = sum(value is not None for row in matrix["accuracy"] for value in row)
    champion = next(v for v in store.versions("digits") if v.number == store.stream("digits").champion)
    result = store.window_record("digits", champion.window).result
    assert result is not None
    points = len(getattr(result, "prefix_curve", ()))
    assert count_marks(page(api, f"{STREAM}/accuracy")) == measured + points


def test_a_branch_has_its_losses_and_every_hash(api: Api) -> None:
    store = api.context.store
    (branch, *_) = store.branches("digits")
    record = store.window_record("digits", branch.window)
    assert record.result is not None
    text = page(api, f"{STREAM}/branches/{branch.id}")
    assert count_marks(text) == 2 * len(record.result.epochs) + len(
        getattr(record.result, "prefix_curve", ())
    )
    for digest in (branch.sha256, record.plan.train, record.plan.holdout):  # type: ignore[union-attr]
        assert digest in text


@pytest.mark.parametrize(
    ("path", "status", "hint"),
    [
        ("/streams/nowhere", 404, "known streams: digits"),
        (f"{STREAM}/windows/w99", 404, "it has w1 to"),
        (f"{STREAM}/branches/b99", 404, "growlearn lineage digits"),
        (f"{STREAM}/accuracy?version=99", 404, "known versions"),
        (f"{STREAM}/compare?old=99", 404, "known versions"),
        (f"{STREAM}/windows?page=0", 422, "query.page"),
        ("/static/nothing.js", 404, "no such file"),
    ],
)
def test_what_is_not_there_is_a_page_that_says_what_is(api: Api, path: str, status: int, hint: str) -> None:
    response = api.send("GET", path, "viewer")
    assert (response.status_code, hint in response.text) == (status, True), response.text
    assert response.headers["content-type"].startswith("text/html")


def test_without_a_key_every_page_asks_for_one(api: Api) -> None:
    response = api.send("GET", f"{STREAM}/drift", None)
    assert response.status_code == 401
    assert response.headers["hx-redirect"] == f"{STREAM}/drift"
    assert f'name="next" value="{STREAM}/drift"' in response.text


@pytest.mark.parametrize("path", ["%E6%97%A5", "%22%3E%3Cscript%3E", "%00", "a%0Ab"])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("viewer", 404)])
def test_an_odd_path_is_a_page_too(api: Api, path: str, role: str | None, status: int) -> None:
    response = api.send("GET", f"/streams/{path}", role)
    assert (response.status_code, "<script>" in response.text) == (status, False)
    assert response.headers["content-type"].startswith("text/html")


def sign_in(api: Api, key: str, following: str = "/", **headers: str) -> Any:
    fields = {"key": key, "next": following}
    return api.send("POST", "/sign-in", None, data=fields, headers=headers, follow_redirects=False)


def test_a_key_typed_in_opens_the_page_that_was_asked_for(api: Api) -> None:
    assert "API key" in api.send("GET", "/sign-in", None).text
    response = sign_in(api, f" {api.tokens['viewer']} ", f"{STREAM}/drift", **ORIGIN)
    assert (response.status_code, response.headers["location"]) == (303, f"{STREAM}/drift")
    cookie = response.headers["set-cookie"]
    assert all(part in cookie for part in (COOKIE, "HttpOnly", "SameSite=strict"))
    api.client.cookies.clear()


@pytest.mark.parametrize("following", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_signing_in_leads_to_no_other_host(api: Api, following: str) -> None:
    response = sign_in(api, api.tokens["viewer"], following, **ORIGIN)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    api.client.cookies.clear()


@pytest.mark.parametrize("key", ["unknown", "expired", "revoked"])
def test_a_key_that_does_not_count_signs_nobody_in(api: Api, key: str) -> None:
    response = sign_in(api, api.tokens[key], **ORIGIN)
    assert (response.status_code, "set-cookie" in response.headers) == (401, False)
    assert 'role="alert"' in response.text
    assert api.tokens[key] not in response.text


def test_another_host_cannot_sign_a_browser_in(api: Api) -> None:
    for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        response = sign_in(api, api.tokens["admin"], **headers)
        assert (response.status_code, "set-cookie" in response.headers) == (401, False)


def test_guesses_at_a_key_are_limited(make_api: Any) -> None:
    api = make_api(api_requests_per_s=0.001)  # one at once, the next after a quarter of an hour
    statuses = [sign_in(api, f"glk_{number}", **ORIGIN).status_code for number in range(3)]
    assert statuses == [401, 429, 429]


def test_signing_out_ends_the_session_of_a_one_time_link(api: Api) -> None:
    code = api.context.links.create(api.context.clock.now())
    opened = api.send("GET", f"/login?code={code}", None, follow_redirects=False)
    session = opened.headers["set-cookie"].partition(";")[0]
    api.client.cookies.clear()
    assert opened.headers["location"] == "/"
    assert api.send("GET", "/", None, headers={"Cookie": session}).status_code == 200
    headers = {"Cookie": session, **ORIGIN}
    assert api.send("POST", "/sign-out", None, headers=headers, follow_redirects=False).status_code == 303
    assert api.send("GET", "/", None, headers={"Cookie": session}).status_code == 401


def test_signing_out_leaves_a_key_of_ones_own_as_it_is(api: Api) -> None:
    headers = as_browser(api, "viewer", **ORIGIN)
    response = api.send("POST", "/sign-out", None, headers=headers, follow_redirects=False)
    assert (response.status_code, 'growlearn_session=""' in response.headers["set-cookie"]) == (303, True)
    assert api.send("GET", "/", "viewer").status_code == 200


def test_a_viewer_sees_no_button_that_would_be_refused(api: Api) -> None:
    for path in (STREAM, f"{STREAM}/compare?old=2&new=1"):
        assert page(api, path).count('method="post"') == 1  # to sign out
        assert page(api, path, "operator").count('method="post"') == 2


def test_an_operator_rolls_back_and_promotes(api: Api) -> None:
    newest = api.context.store.stream("digits").champion
    for move, version in (("rollback", 1), ("promote", newest)):
        response = api.send(
            "POST", f"{STREAM}/{move}", None, headers=as_browser(api, "operator", **ORIGIN),
            data={"version": str(version), "reason": "<b>worse</b>"}, follow_redirects=False,
        )  # fmt: skip
        assert (response.status_code, response.headers["location"]) == (303, f"{STREAM}/versions?moved=1")
        assert api.context.store.stream("digits").champion == version
        text = page(api, response.headers["location"])
        assert f"The champion is version {version} now" in text
        assert "&lt;b&gt;worse&lt;/b&gt;" in text
    last = api.context.store.alias_changes("digits")[-1]
    assert (last.reason, last.actor) == ("<b>worse</b>", f"a operator (key {api.tokens['operator id']})")


@pytest.mark.parametrize("path", ["promote", "rollback", "pause", "resume"])
def test_a_move_that_no_page_of_this_host_sent_is_refused(api: Api, path: str) -> None:
    before = api.context.store.stream("digits")
    for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        response = api.send(
            "POST",
            f"{STREAM}/{path}",
            None,
            data={"version": "1"},
            headers=as_browser(api, "admin", **headers),
        )
        assert response.status_code == 401
    assert api.context.store.stream("digits") == before


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("version=1", "text/plain", 415),
        ("version=x", "application/x-www-form-urlencoded", 422),
        ("", "application/x-www-form-urlencoded", 422),
        ("version=99", "application/x-www-form-urlencoded", 404),
        ("version=1&" + "x" * 20_000, "application/x-www-form-urlencoded", 413),
        ("&".join(f"x{n}=1" for n in range(30)), "application/x-www-form-urlencoded", 422),
    ],
)
def test_an_odd_form_changes_nothing(api: Api, body: str, content_type: str, status: int) -> None:
    before = api.context.store.stream("digits")
    headers = {"Content-Type": content_type}
    response = api.send("POST", f"{STREAM}/promote", "operator", content=body, headers=headers)
    assert response.status_code == status, response.text
    assert api.context.store.stream("digits") == before


def test_canaries_are_beside_the_versions(api: Api) -> None:
    versions = f"{STREAM}/versions"
    started = api.send("POST", f"{DIGITS}/canary", json={"version": 1, "share_percent": 5})
    assert started.status_code == 200, started.text
    text = page(api, versions)
    assert re.search(r"<td class=\"num\" data-label=\"share\">5 %</td>.*<td class=\"reason\">runs</td>", text)
    assert api.send("DELETE", f"{DIGITS}/canary").status_code == 200
    assert re.search(
        r"<td class=\"reason\">stopped [^<]* by [^<]*: stopped by hand</td>", page(api, versions)
    )


def test_pausing_and_resuming_shows_on_the_page(api: Api) -> None:
    for path, text in (("pause", "Resume the stream"), ("resume", "Pause the stream")):
        headers = as_browser(api, "operator", **ORIGIN)
        response = api.send("POST", f"{STREAM}/{path}", None, headers=headers, follow_redirects=False)
        assert (response.status_code, response.headers["location"]) == (303, STREAM)
        assert text in page(api, STREAM, "operator")


def test_files_that_pages_load_are_kept_until_they_change(api: Api) -> None:
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page(api, "/"))
    assert len(set(addresses)) == 4
    for address in addresses:
        response = api.send("GET", address, None)
        assert (response.status_code, "immutable" in response.headers["cache-control"]) == (200, True)
        old = api.send("GET", address.partition("?")[0] + "?v=old", None)
        assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
    assert "Zero-Clause BSD" in api.send("GET", "/static/htmx.LICENSE.txt", None).text


def test_the_api_still_answers_errors_as_problems(api: Api) -> None:
    response = api.send("GET", f"{API}/streams/nowhere", "viewer")
    assert response.headers["content-type"] == "application/problem+json"
