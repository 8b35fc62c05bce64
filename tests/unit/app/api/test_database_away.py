"""While the database is away every route says so, to be asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from growlearn.adapters.db.api_records import DbApiRecords
from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.store import DbStore
from growlearn.adapters.memory.api_records import MemoryApiRecords
from growlearn.app.api.build import build_api, build_asgi_app
from growlearn.app.api.context import ApiContext
from growlearn.app.api.keys import create_key
from growlearn.domain.api_key import Role
from growlearn.ports import ApiRecords
from growlearn.settings import read_settings
from tests.unit.api_context import make_api_context

URL = "postgresql://ann:hunter2Zq@127.0.0.1:1/growlearn"  # nobody listens there
BODIES = {
    "/api/v1/streams/{stream}/windows": {"rows": [{"x": 1}]},
    "/api/v1/streams/{stream}/predict": {"rows": [{"x": 1}]},
    "/api/v1/keys": {"name": "ada", "role": "viewer"},
}
NEEDS_NO_DATABASE = ("/healthz", "/readyz", "/login", "/metrics", "/api/v1/openapi.json")
Log = list[tuple[str, dict[str, object]]]


def make_context(records: ApiRecords, folder: Path) -> ApiContext:
    settings = read_settings({"GROWLEARN_POLL_S": "60"}, folder)
    return make_api_context(settings, DbStore(connect(URL)), records)


@pytest.fixture
def open_client(tmp_path: Path) -> Iterator[Callable[..., tuple[TestClient, ApiContext, Log]]]:
    opened: list[TestClient] = []

    def open_one(records: ApiRecords) -> tuple[TestClient, ApiContext, Log]:
        log: Log = []
        context = make_context(records, tmp_path)
        app = build_asgi_app(context, lambda event, fields: log.append((event, fields)))
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client, context, log

    yield open_one
    for client in opened:
        client.__exit__(None, None, None)


def routes_of(context: ApiContext, under: str) -> list[tuple[str, str]]:
    return [
        (method, route.path)
        for route in build_api(context).routes
        if isinstance(route, APIRoute)
        and route.path.startswith(under)
        and route.path not in NEEDS_NO_DATABASE
        for method in sorted(route.methods or ())
    ]


def assert_is_away(response: Any, where: object) -> None:
    assert response.status_code == 503, (where, response.text)
    assert response.headers["retry-after"] == "1", where
    assert response.headers["content-type"] == "application/problem+json", where
    assert response.json()["detail"] == "the database does not answer", where
    assert "127.0.0.1" not in response.text, where
    assert "hunter2Zq" not in response.text, where


def test_every_route_answers_503_to_a_key_that_is_known(
    open_client: Callable[..., tuple[TestClient, ApiContext, Log]],
) -> None:
    records = MemoryApiRecords()
    client, context, log = open_client(records)
    _, token = create_key(records, "ada", Role.ADMIN, context.clock.now())
    routes = [(method, path) for method, path in routes_of(context, "/api/v1") if "/keys" not in path]
    assert len(routes) > 12
    for method, path in routes:
        url = path.replace("{stream}", "a").replace("{window}", "w1")
        options: dict[str, Any] = {"json": BODIES.get(path, {})} if method == "POST" else {}
        response = client.request(method, url, headers={"Authorization": f"Bearer {token}"}, **options)
        assert_is_away(response, (method, path))
    event, fields = log[-1]
    assert event == "request"
    assert "ann:***@127.0.0.1:1/growlearn" in str(fields["reason"])


def test_every_page_of_a_stream_says_so_too(
    open_client: Callable[..., tuple[TestClient, ApiContext, Log]],
) -> None:
    records = MemoryApiRecords()
    client, context, _ = open_client(records)
    _, token = create_key(records, "ada", Role.ADMIN, context.clock.now())
    pages = [path for method, path in routes_of(context, "/streams") if method == "GET"]
    assert len(pages) > 7
    for path in ("/", *pages):
        url = path.replace("{stream}", "a").replace("{window}", "w1").replace("{branch}", "b1")
        response = client.get(url, headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, "hunter2Zq" in response.text) == (503, False), path


def test_so_does_the_look_for_a_key(
    open_client: Callable[..., tuple[TestClient, ApiContext, Log]],
) -> None:
    client, _, log = open_client(DbApiRecords(connect(URL)))
    for method, url in (
        ("GET", "/api/v1/streams"),
        ("POST", "/api/v1/streams/a/predict"),
        ("GET", "/metrics"),
    ):
        assert_is_away(client.request(method, url, headers={"Authorization": "Bearer x"}), url)
    assert [event for event, _ in log] == ["request"] * 3
