"""Pages of streams with little in their record: nothing at all, or a window that was only just begun."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from unittest.mock import MagicMock

import pytest
from starlette.testclient import TestClient

from growlearn.adapters.memory.api_records import MemoryApiRecords
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.api.access import Access
from growlearn.app.api.build import build_api
from growlearn.app.api.keys import create_key
from growlearn.domain.api_key import Role
from growlearn.domain.window import BadRow, IngestResult, SourceFile, Window, WindowState
from tests.unit.in_memory import JOB

PAGES = ("", "/windows", "/drift", "/lineage", "/accuracy", "/versions", "/quarantine")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(store: MemoryStore) -> Iterator[TestClient]:
    records, clock = MemoryApiRecords(), ManualClock()
    context = MagicMock(store=store, clock=clock, access=Access(records, clock, 0))
    _, token = create_key(records, "ada", Role.OPERATOR, clock.now(), clock.now() + timedelta(days=1))
    client = TestClient(build_api(context), headers={"Authorization": f"Bearer {token}"})
    yield client
    client.close()


def test_without_a_stream_the_first_page_says_how_to_make_one(client: TestClient) -> None:
    response = client.get("/")
    assert (response.status_code, "growlearn init" in response.text) == (200, True)


@pytest.mark.parametrize("page", PAGES)
def test_a_new_stream_has_every_page(client: TestClient, store: MemoryStore, page: str) -> None:
    store.apply(JOB, ManualClock().now())
    response = client.get(f"/streams/digits{page}")
    assert response.status_code == 200, response.text
    assert 'class="mark ' not in response.text


def test_a_new_stream_has_nothing_to_compare(client: TestClient, store: MemoryStore) -> None:
    store.apply(JOB, ManualClock().now())
    response = client.get("/streams/digits/compare")
    assert (response.status_code, "no version yet" in response.text) == (409, True)


def ingest(store: MemoryStore, number: int, state: WindowState, num_bad: int = 0) -> None:
    at = ManualClock().now()
    window = Window(
        stream="digits", number=number, state=state, source=f"s3://KEY:SECRET@bucket/{number}.csv",
        discovered_at=at, updated_at=at, rows=40, quarantined_rows=num_bad, reason="<i>odd</i>",
    )  # fmt: skip
    store.record_ingest(
        IngestResult(
            stream="digits",
            file=SourceFile(url=f"{number}.csv", fingerprint=str(number), size_bytes=1),
            sha256="0" * 64, schema="s", rows=40, windows=(window,),
            bad_rows=tuple(BadRow(row=row, reason="x is <b>", window=window.id) for row in range(num_bad)),
            at=at,
        )
    )  # fmt: skip


@pytest.mark.parametrize("state", WindowState)
def test_a_window_has_its_page_in_every_state(
    client: TestClient, store: MemoryStore, state: WindowState
) -> None:
    store.apply(replace(JOB, name="digits"), ManualClock().now())
    ingest(store, 1, state, num_bad=3)
    for page in (*PAGES, "/windows/w1"):
        response = client.get(f"/streams/digits{page}")
        assert response.status_code == 200, (page, response.text)
        assert "SECRET" not in response.text
        assert "<b>" not in response.text
        assert "<i>" not in response.text


def test_many_windows_and_bad_rows_come_in_pages(client: TestClient, store: MemoryStore) -> None:
    store.apply(JOB, ManualClock().now())
    for number in range(1, 121):
        ingest(store, number, WindowState.SKIPPED, num_bad=60 if number == 120 else 0)
    first, last = (client.get(f"/streams/digits/windows?page={page}").text for page in (1, 99))
    assert (first.count('id="row-w'), last.count('id="row-w')) == (50, 20)
    assert ("older" in first, "newer" in first) == (True, False)
    assert ("older" in last, "newer" in last) == (False, True)
    window = client.get("/streams/digits/windows/w120").text
    assert window.count("x is &lt;b&gt;") == 50
    assert client.get("/streams/digits/quarantine").text.count("x is &lt;b&gt;") == 10
