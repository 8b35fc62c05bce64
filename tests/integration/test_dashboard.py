"""The dashboard in a real Chromium: what a person clicks, what is drawn, and who can use it."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import uvicorn

from growlearn.adapters.memory.api_records import MemoryApiRecords
from growlearn.app.api.access import Access
from growlearn.app.api.build import build_asgi_app
from growlearn.app.api.context import ApiContext
from growlearn.app.api.keys import create_key
from growlearn.app.api.links import OneTimeLinks
from growlearn.app.api.served_models import ServedModels
from growlearn.app.api.server import listen
from growlearn.domain.api_key import Role
from growlearn.domain.execution import Execution
from growlearn.domain.growth import Progress
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.settings import read_settings
from tests.conftest import Need
from tests.unit.digits import load_shuffled_digits, rotate
from tests.unit.in_memory import JOB, NO_BASELINES, World, parquet

AXE = Path(__file__).with_name("axe") / "axe.min.js"
CHROMIUM = shutil.which("chromium") or ""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = {"phone": (360, 740), "desk": (1440, 900)}
PAGES = (
    "/",
    "/streams/digits",
    "/streams/digits/windows",
    "/streams/digits/windows/w2",
    "/streams/digits/drift",
    "/streams/digits/lineage?rejected=true",
    "/streams/digits/branches/b1",
    "/streams/digits/accuracy",
    "/streams/digits/versions",
    "/streams/digits/compare?old=2&new=1",
    "/streams/digits/quarantine",
)
pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Site:
    """A server of the dashboard, and what is behind it."""

    url: str
    world: World
    context: ApiContext
    keys: dict[str, str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Digits that drifted once, with bad rows in one file, and a second stream without a window."""
    folder = tmp_path_factory.mktemp("dashboard")
    world = World(folder, replace(JOB, baseline_comparison=NO_BASELINES))
    world.store.apply(replace(JOB, name="idle"), world.clock.now())
    images, labels = load_shuffled_digits()
    world.send("1.parquet", images[:400], labels[:400])
    for number, start in enumerate((400, 500, 600), start=2):
        world.send(f"{number}.parquet", images[start : start + 100], labels[start : start + 100])
    world.send("5.parquet", rotate(images[700:1000]), labels[700:1000])
    world.source.put("6.parquet", b"no table")
    world.run()
    world.source.put("7.parquet", parquet(images[1000:1060], [99 if n == 3 else n % 10 for n in range(60)]))
    with serve(world, folder) as made:
        yield made


@contextmanager
def serve(world: World, folder: Path) -> Iterator[Site]:
    records, settings = MemoryApiRecords(), read_settings({}, folder)
    models = ServedModels(
        world.store, world.artifacts, lambda *_: None,
        execution=Execution.LOOP, device=torch.device("cpu"), threads=torch.get_num_threads(),
        max_models=2,
    )  # fmt: skip
    context = ApiContext(
        settings=settings, store=world.store, records=records, artifacts=world.artifacts, clock=world.clock,
        access=Access(records, world.clock, 0), models=models, links=OneTimeLinks(),
    )  # fmt: skip
    keys = {role.value: create_key(records, f"a {role}", role, world.clock.now())[1] for role in Role}
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(build_asgi_app(context, lambda *_: None), log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", world, context, keys)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def browser(need: Need) -> Iterator[Any]:
    need("the Debian package chromium, which .ci/system-packages installs", bool(CHROMIUM))
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """`open_page(path, role="admin")`: a signed-in browser's page; an error on its console is a failure."""
    contexts: list[Any] = []
    errors: list[str] = []

    def open_(path: str, *, role: str = "admin", size: str = "desk", scheme: str = "light") -> Any:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        context.add_cookies([{"name": "growlearn_session", "value": site.keys[role], "url": site.url}])
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def count_marks(page: Any) -> int:
    number = page.locator("svg .mark").count()
    assert isinstance(number, int)
    return number


def find_serious_issues(page: Any) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    results = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{issue['id']}: {node['html'][:200]} {node['failureSummary']}"
        for issue in results["violations"]
        if issue["impact"] in ("serious", "critical")
        for node in issue["nodes"]
    ]


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desk", "light")])
def test_every_page_can_be_used_by_everybody_and_fits(
    open_page: Callable[..., Any], site: Site, size: str, scheme: str
) -> None:
    page = open_page("/", size=size, scheme=scheme)
    for path in PAGES:
        page.goto(site.url + path)
        assert page.locator("h1").count() == 1, path
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], path
        assert find_serious_issues(page) == [], path


def test_a_key_typed_in_or_the_one_time_link_opens_the_dashboard(browser: Any, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/streams/digits")
    page.get_by_label("API key").fill("glk_wrong")
    page.get_by_role("button", name="Sign in").click()
    assert "the key is not known" in page.get_by_role("alert").inner_text()
    assert find_serious_issues(page) == []
    page.get_by_label("API key").fill(site.keys["viewer"])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="digits", exact=True).wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("API key").wait_for()

    page.goto(f"{site.url}/login?code={site.context.links.create(site.world.clock.now())}")
    page.get_by_role("heading", name="Streams", exact=True).wait_for()
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    context.close()


def test_the_tabs_lead_from_a_stream_to_everything_of_it(open_page: Callable[..., Any], site: Site) -> None:
    store = site.world.store
    windows, branches = store.windows("digits"), store.branches("digits")
    judged = [window for window in windows if window.verdict is not None]
    reports = store.drift_reports("digits", [window.id for window in judged])
    page = open_page("/")
    page.get_by_role("link", name="digits", exact=True).click()
    page.get_by_role("heading", name="digits", exact=True).wait_for()
    assert count_marks(page) == len(windows)

    page.get_by_role("link", name="Windows", exact=True).click()
    page.get_by_role("heading", name="Windows", exact=True).wait_for()
    assert (count_marks(page), page.locator("tbody tr").count()) == (len(windows), len(windows))

    page.get_by_role("link", name="Drift", exact=True).click()
    page.get_by_role("heading", name="Drift", exact=True).wait_for()
    assert (count_marks(page), page.locator("tbody tr").count()) == (len(judged), len(judged))
    assert page.locator(".alarm-line").count() >= 1
    tested = [window for window in judged if reports[window.id].test_results]
    assert page.locator("svg .mark.v-drift").count() == 1
    assert len(tested) == page.get_by_role("cell", name="output of class").count()
    drift = page.locator("svg .mark.v-drift").bounding_box()
    line = page.locator(".alarm-line").last.bounding_box()
    assert drift["y"] < line["y"], "the drifted window stands above the alarm line"

    page.get_by_role("link", name="Accuracy", exact=True).click()
    page.get_by_role("heading", name="Accuracy", exact=True).wait_for()
    assert page.locator(".heat .mark").count() == 4

    page.get_by_role("link", name="Lineage", exact=True).click()
    page.get_by_role("link", name=re.compile("^b1 task-1")).click()
    page.get_by_role("heading", name="Branch b1").wait_for()
    assert branches[0].sha256 in page.locator("main").inner_text()
    assert count_marks(page) > 2

    page.get_by_role("link", name="Quarantine", exact=True).click()
    page.get_by_role("heading", name="Quarantine", exact=True).wait_for()
    assert "6.parquet" in page.locator("main").inner_text()


def test_an_operator_rolls_back_after_a_look_and_promotes_again(
    open_page: Callable[..., Any], site: Site
) -> None:
    page = open_page("/streams/digits/versions", role="operator")
    page.get_by_role("link", name="review version 1").click()
    assert count_marks(page) == 3  # one task of version 1, two of version 2
    page.get_by_label("Reason").fill("the new one looks wrong")
    page.get_by_role("button", name="Roll back to version 1").click()
    assert "The champion is version 1 now" in page.get_by_role("status").first.inner_text()
    assert "the new one looks wrong" in page.locator("main").inner_text()
    assert site.world.store.stream("digits").champion == 1
    page.get_by_role("link", name="review version 2").click()
    page.get_by_role("button", name="Promote version 2").click()
    page.get_by_text("The champion is version 2 now").wait_for()


def test_a_page_refreshes_itself_and_says_when_it_cannot(browser: Any, site: Site) -> None:
    now = site.world.clock.now()
    key, token = create_key(site.context.records, "for an hour", Role.ADMIN, now)
    context = browser.new_context()
    context.add_cookies([{"name": "growlearn_session", "value": token, "url": site.url}])
    page = context.new_page()
    page.clock.install()
    page.goto(f"{site.url}/streams/digits")
    page.get_by_text("idle", exact=True).wait_for()
    link = page.get_by_role("link", name="All windows")
    link.focus()
    site.context.store.set_paused("digits", True, site.world.clock.now(), "ada")
    page.clock.run_for(6_000)
    page.get_by_text("paused", exact=True).wait_for()
    assert page.evaluate("document.activeElement.id") == "all-windows"
    assert not page.locator("#stale").is_visible()

    site.context.store.set_paused("digits", False, site.world.clock.now(), "ada")
    context.set_offline(True)
    page.clock.run_for(6_000)
    page.locator("#stale").wait_for()
    context.set_offline(False)
    page.clock.run_for(6_000)
    page.get_by_text("idle", exact=True).wait_for()
    page.locator("#stale").wait_for(state="hidden")

    site.context.records.revoke_key(key.id, now)
    site.context.access.forget()
    page.clock.run_for(6_000)
    page.get_by_label("API key").wait_for()
    context.close()


def test_work_goes_on_before_ones_eyes(open_page: Callable[..., Any], site: Site) -> None:
    store, at = site.world.store, site.world.clock.now()
    page = open_page("/streams/idle", role="viewer")
    page.clock.install()
    page.clock.pause_at("2100-01-01")  # so that nothing refreshes itself
    page.reload()
    page.get_by_text("Nothing: every window was handled.").wait_for()
    window = put_window(site, "idle")
    assert store.claim("idle", "ada", at, 60) == replace(window, claim=1)
    bar = page.get_by_role("progressbar", name="Progress of w1 of idle")
    bar.wait_for()
    claim = replace(window, claim=1).claimed_by("ada")
    for done in (2, 5):
        store.renew(claim, at, 60, Progress(stage="training", done=done, total=6, note=f"loss 0.{done}"))
        page.get_by_text(f"training: {done} of 6, loss 0.{done}").wait_for()
        assert bar.evaluate("bar => [bar.value, bar.max]") == [done, 6]
    page.clock.resume()
    assert find_serious_issues(page) == []
    store.release(claim)
    bar.wait_for(state="detached")
    store.delete("idle")
    store.apply(replace(JOB, name="idle"), at)


def put_window(site: Site, stream: str) -> Window:
    """A window of a stream that no worker has handled."""
    at = site.world.clock.now()
    file = SourceFile(url="1.parquet", fingerprint="1", size_bytes=1)
    window = Window(
        stream=stream, number=1, state=WindowState.ACCEPTED, source=file.url, discovered_at=at, updated_at=at,
        rows=10, snapshot="5" * 64,
    )  # fmt: skip
    site.world.store.record_ingest(
        IngestResult(
            stream=stream, file=file, sha256="f" * 64, schema="0" * 16, rows=10, windows=(window,),
            bad_rows=(), at=at,
        )
    )  # fmt: skip
    return window


def test_it_can_be_used_with_the_keyboard(open_page: Callable[..., Any]) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "digits":
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="digits", exact=True).wait_for()
