"""Windows in progress, listed and as server-sent events of a real server, whose clients come and leave."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.memory.api_records import MemoryApiRecords
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.api import progress_feed
from growlearn.app.api.context import ApiContext
from growlearn.app.api.keys import create_key
from growlearn.app.api.routes.progress import EVENTS_PATH
from growlearn.app.api.schemas import WindowsInProgress
from growlearn.app.api.server import listen, make_server
from growlearn.domain.api_key import Role
from growlearn.domain.errors import DatabaseUnavailable
from growlearn.domain.growth import Progress
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.ports import Store
from growlearn.settings import read_settings
from tests.unit.api_context import make_api_context
from tests.unit.in_memory import JOB

pytestmark = pytest.mark.timeout(120)
EPOCH = Progress(stage="training", done=1, total=6, note="loss 0.31")
_WAIT_S = 30  # at most, for what takes a second


class Events:
    """A client that listens."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WAIT_S)
        self._connection.request("GET", EVENTS_PATH, headers={"Authorization": f"Bearer {token}"})
        self.response = self._connection.getresponse()

    def next_block(self) -> list[str]:
        """The lines up to the next empty one; none where the stream has ended."""
        lines: list[str] = []
        while line := self.response.readline().decode():
            if line == "\n":
                return lines
            lines.append(line.rstrip("\n"))
        return lines

    def next_windows(self) -> list[dict[str, Any]]:
        """The windows of the next event."""
        while block := self.next_block():
            if block[0] == "event: progress":
                listing: dict[str, Any] = json.loads(block[1].removeprefix("data: "))
                WindowsInProgress.model_validate(listing)
                return list(listing["windows"])
        raise AssertionError("the stream has ended")

    def is_ended(self) -> bool:
        """Read to the end; a stream that goes on times out."""
        while self.next_block():
            pass
        return True

    def close(self) -> None:
        """Leave, without a word."""
        self.response.close()
        self._connection.close()


@dataclass
class Site:
    """A server that runs in a thread."""

    context: ApiContext
    store: Store
    server: Any
    thread: threading.Thread
    port: int
    stack: ExitStack
    log: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    token: str = ""
    key_id: str = ""

    def listen(self) -> Events:
        """A client that listens until the test ends."""
        return self.stack.enter_context(closing(Events(self.port, self.token)))

    def get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        """A whole answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=_WAIT_S)) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            response = connection.getresponse()
            return response, response.read()

    def claim(self) -> Window:
        """A worker takes the window."""
        window = self.store.claim("digits", "ada", self.context.clock.now(), 60)
        assert window is not None
        return window

    def report(self, window: Window, progress: Progress) -> None:
        """The worker says how far it has come."""
        assert self.store.renew(window.claimed_by("ada"), self.context.clock.now(), 60, progress)


def open_store(kind: str, request: pytest.FixtureRequest, stack: ExitStack) -> Store:
    if kind == "memory":
        return MemoryStore()
    folder = request.getfixturevalue("tmp_path")
    is_sqlite = kind == "sqlite"
    url = f"sqlite:///{folder / 'a.db'}" if is_sqlite else request.getfixturevalue("empty_postgres_url")
    upgrade_database(url)
    return stack.enter_context(closing(open_db_store(url)))


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """In memory unless the test says otherwise; it looks 20 times a second."""
    monkeypatch.setattr(progress_feed, "_LOOK_S", 0.05)
    with ExitStack() as stack:
        store = open_store(getattr(request, "param", "memory"), request, stack)
        records = MemoryApiRecords()
        context = make_api_context(read_settings({}, tmp_path), store, records)
        log: list[tuple[str, dict[str, object]]] = []
        server = make_server(context, lambda event, fields: log.append((event, fields)))
        server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]  # signals are the main thread's
        listener: socket.socket = stack.enter_context(closing(listen("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        site = Site(context, store, server, thread, port, stack, log)
        key, site.token = create_key(records, "ada", Role.VIEWER, context.clock.now())
        site.key_id = key.id
        put_one_window(site)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield site
        server.should_exit = True
        thread.join()


def put_one_window(site: Site) -> None:
    at = site.context.clock.now()
    site.store.apply(JOB, at)
    window = Window(
        stream="digits", number=1, state=WindowState.ACCEPTED, source="a", discovered_at=at, updated_at=at,
        rows=10, snapshot="5" * 64,
    )  # fmt: skip
    file = SourceFile(url="a", fingerprint="1", size_bytes=1)
    site.store.record_ingest(
        IngestResult(
            stream="digits", file=file, sha256="f" * 64, schema="0" * 16, rows=10, windows=(window,),
            bad_rows=(), at=at,
        )
    )  # fmt: skip


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("site", ["memory", "sqlite", "postgres"], indirect=True)
def test_a_listener_hears_at_once_where_work_stands_and_then_of_every_change(site: Site) -> None:
    listener = site.listen()
    assert listener.response.status == 200
    assert listener.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert listener.next_windows() == []

    window = site.claim()
    (claimed,) = listener.next_windows()
    since = site.context.clock.now()
    assert claimed == {
        "stream": "digits", "window": "w1", "state": "accepted", "since": since.isoformat(), "worker": "ada",
        "stage": None, "done": None, "total": None, "note": None,
    }  # fmt: skip

    site.report(window, EPOCH)
    reported = {**claimed, "stage": "training", "done": 1, "total": 6, "note": "loss 0.31"}
    assert listener.next_windows() == [reported]
    assert site.listen().next_windows() == [reported]  # who comes later has missed nothing

    site.store.release(window.claimed_by("ada"))
    assert listener.next_windows() == []


def test_once_is_the_listing_as_one_event(site: Site) -> None:
    site.report(site.claim(), EPOCH)
    _, listing = site.get("/api/v1/progress")
    response, event = site.get(f"{EVENTS_PATH}?once=true")
    assert event == b"event: progress\ndata: " + listing + b"\n\n"
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    (shown,) = json.loads(listing)["windows"]
    assert (shown["stage"], shown["done"], shown["total"]) == ("training", 1, 6)


def test_a_stream_ends_with_its_key(site: Site) -> None:
    listener = site.listen()
    assert listener.next_windows() == []
    now = site.context.clock.now()
    site.context.records.revoke_key(site.key_id, now)
    site.context.clock.advance(1)  # type: ignore[attr-defined]
    assert listener.is_ended()


def test_a_server_that_stops_ends_every_stream(site: Site) -> None:
    listeners = [site.listen() for _ in range(3)]
    for listener in listeners:
        assert listener.next_windows() == []
    begun = time.monotonic()
    site.server.should_exit = True
    assert all(listener.is_ended() for listener in listeners)
    site.thread.join(_WAIT_S)
    assert not site.thread.is_alive()
    assert time.monotonic() - begun < 15  # it would wait 20 s for requests that do not end
    statuses = [fields["status"] for event, fields in site.log if event == "request"]
    assert statuses == [200, 200, 200]


def test_no_more_clients_listen_than_may_and_one_that_leaves_makes_room(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_feed, "MAX_LISTENERS", 2)
    first, second = site.listen(), site.listen()
    assert first.next_windows() == second.next_windows() == []
    refused = site.listen().response
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert "2 clients listen" in json.loads(refused.read())["detail"]
    second.close()
    wait_for(lambda: site.listen().response.status == 200)


def test_those_who_listen_share_their_looks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, look = list[float](), site.store.windows_in_progress

    def count_and_look(now: Any) -> Any:
        looks.append(time.monotonic())
        return look(now)

    monkeypatch.setattr(site.store, "windows_in_progress", count_and_look)
    listeners = [site.listen() for _ in range(5)]
    for listener in listeners:
        listener.next_windows()
    begun = len(looks)
    wait_for(lambda: len(looks) >= begun + 20)
    elapsed_s = looks[-1] - looks[begun - 1]
    assert len(looks) - begun <= elapsed_s / 0.05 + 1


def test_a_silent_stream_has_comments_and_outlives_a_database_that_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_feed, "_KEEP_ALIVE_S", 0.1)
    listener = site.listen()
    assert listener.next_windows() == []
    assert listener.next_block() == [": nothing new"]

    def is_away(now: Any) -> Any:
        raise DatabaseUnavailable(f"no route at {now}")

    with monkeypatch.context() as patch:
        patch.setattr(site.store, "windows_in_progress", is_away)
        wait_for(lambda: any(event == "progress not read" for event, _ in site.log))
        response, _ = site.get(f"{EVENTS_PATH}?once=true")
        assert response.status == 503
        assert listener.next_block() == [": nothing new"]
    site.claim()
    assert len(listener.next_windows()) == 1
    assert sum(event == "progress not read" for event, _ in site.log) == 1


def test_a_window_whose_worker_is_gone_is_not_in_progress(site: Site) -> None:
    site.claim()
    site.context.clock.advance(61)  # type: ignore[attr-defined]
    assert json.loads(site.get("/api/v1/progress")[1]) == {"windows": []}
    assert timedelta(seconds=61) == site.context.clock.now() - site.store.window("digits", "w1").updated_at


def test_pages_show_it_without_a_script(site: Site) -> None:
    for path in ("/", "/streams/digits"):
        assert b"<progress" not in site.get(path)[1]
    window = site.claim()
    for path in ("/", "/streams/digits"):
        page = site.get(path)[1].decode()
        assert 'data-work="digits/w1/accepted"' in page
        assert 'aria-label="Progress of w1 of digits"></progress>' in page
        assert "ada works on it" in page
    site.report(window, EPOCH)
    for path in ("/", "/streams/digits"):
        page = site.get(path)[1].decode()
        assert 'max="6" value="1"></progress>' in page
        assert "training: 1 of 6, loss 0.31" in page
