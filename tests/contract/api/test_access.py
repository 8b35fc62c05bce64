"""Every route, with every role and with none: what is not allowed is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.testclient import TestClient

from growlearn.app.api.access import PUBLIC, ROLE_KEY
from growlearn.app.api.build import build_api
from growlearn.app.api.links import LINK_LIFETIME
from growlearn.app.api.routes.progress import EVENTS_PATH
from growlearn.domain.api_key import Role
from tests.contract.api.conftest import API, Api

ROLES = ("viewer", "operator", "admin")
NO_ROLES = (None, "unknown", "expired", "revoked")


def routes(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Method, path and needed role of each."""
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is open to everybody"
        (method,) = list(route.methods or [])
        path = route.path
        for name in ("stream", "window", "branch", "name", "key_id"):
            path = path.replace(f"{{{name}}}", "nothing")
        if path == EVENTS_PATH:  # which would go on for as long as somebody listens
            path += "?once=true"
        yield method, path, (route.openapi_extra or {})[ROLE_KEY]


def test_the_walk_meets_every_kind_of_role(api: Api) -> None:
    walked = list(routes(build_api(api.context)))
    assert {role for _, _, role in walked} == {PUBLIC, *ROLES}
    assert len(walked) > 40
    open_to_everybody = {path for _, path, role in walked if role == PUBLIC}
    assert open_to_everybody == {"/healthz", "/readyz", "/login", "/sign-in", "/static/nothing"}


def test_every_route_is_refused_without_a_key_that_counts(api: Api) -> None:
    for method, path, needed in routes(build_api(api.context)):
        for role in NO_ROLES:
            response = api.send(method, path, role)
            where = (method, path, role)
            assert (response.status_code == 401) is (needed != PUBLIC), where
            if needed != PUBLIC:
                is_api = path.startswith(API) or path == "/metrics"
                expected = "application/problem+json" if is_api else "text/html; charset=utf-8"
                assert response.headers["www-authenticate"].startswith("Bearer"), where
                assert response.headers["content-type"] == expected, where


def test_every_route_is_open_to_its_role_and_those_above_alone(api: Api) -> None:
    for method, path, needed in routes(build_api(api.context)):
        for role in ROLES:
            response = api.send(method, path, role)
            allowed = needed == PUBLIC or Role(role).includes(Role(needed))
            where = (method, path, role, response.text)
            assert (response.status_code == 403) is not allowed, where
            assert response.status_code != 500, where


def forgotten() -> Response:
    """A route that somebody added without a role."""
    return Response()


def test_a_route_without_a_role_is_open_to_nobody(api: Api) -> None:
    app = build_api(api.context)
    app.add_api_route("/forgotten", forgotten, methods=["GET"], response_class=Response)
    with TestClient(app) as client:
        answer = client.get("/forgotten", headers={"Authorization": f"Bearer {api.tokens['admin']}"})
    assert (answer.status_code, "open to nobody" in answer.json()["detail"]) == (403, True)


def test_a_body_that_is_no_json_is_a_problem(api: Api) -> None:
    for body in (
        b"\xff",
        b"{",
        b"[]",
        b'{"name": "\\ud800"}',
        b'{"name": " "}',
        b'{"name": "x", "role": "god"}',
    ):
        headers = {"Content-Type": "application/json"}
        response = api.send("POST", f"{API}/keys", content=body, headers=headers)
        assert response.status_code == 422, body


def test_a_key_is_shown_once_and_works_until_it_is_revoked(api: Api) -> None:
    made = api.send("POST", f"{API}/keys", json={"name": "ada", "role": "operator"})
    assert made.status_code == 201
    api.tokens["ada"] = made.json()["token"]
    listed = [key for key in api.send("GET", f"{API}/keys").json()["keys"] if key["name"] == "ada"]
    assert (listed[0]["role"], "token" in listed[0]) == ("operator", False)
    assert api.tokens["ada"] not in api.send("GET", f"{API}/keys").text
    assert api.send("GET", f"{API}/streams", "ada").status_code == 200

    revoked = api.send("DELETE", f"{API}/keys/{made.json()['id']}")
    assert (revoked.status_code, api.send("GET", f"{API}/streams", "ada").status_code) == (200, 401)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic YTpi", "Bearer \x7f"])
def test_odd_headers_are_no_keys(api: Api, header: str) -> None:
    response = api.send("GET", f"{API}/streams", None, headers={"Authorization": header})
    assert response.status_code == 401


def test_too_many_requests_of_one_key_are_refused(make_api: Callable[..., Any]) -> None:
    api = make_api(api_requests_per_s=0.001)  # one at once, the next after a quarter of an hour
    statuses = [api.send("GET", f"{API}/streams", "viewer").status_code for _ in range(3)]
    assert statuses == [200, 429, 429]
    assert api.send("GET", f"{API}/streams", "operator").status_code == 200
    assert int(api.send("GET", f"{API}/streams", "viewer").headers["retry-after"]) >= 1


def test_a_link_logs_a_browser_in_once(api: Api) -> None:
    token = api.context.links.create(api.context.clock.now())
    first, second = (api.send("GET", f"/login?code={token}", None, follow_redirects=False) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 410)
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    session = cookie.partition(";")[0]
    assert api.send("GET", f"{API}/streams", None, headers={"Cookie": session}).status_code == 200
    for origin, status in ((None, 401), ("http://evil.example", 401), ("http://testserver", 404)):
        headers = {"Cookie": session} | ({} if origin is None else {"Origin": origin})
        assert api.send("POST", f"{API}/streams/x/pause", None, headers=headers).status_code == status


def test_an_old_link_does_not_count(api: Api) -> None:
    now = api.context.clock.now()
    assert not api.context.links.take(api.context.links.create(now - LINK_LIFETIME), now)
    assert not api.context.links.take("", now)
