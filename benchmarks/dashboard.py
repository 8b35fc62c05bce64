"""How long each page of the dashboard takes in a real Chromium: 50 streams of 500 windows, on loopback.

The record is that of `growlearn demo`, multiplied: its second, stable window stands for all that follow, with
its drift report and its log entries, and the stream for all others. The server is `growlearn api` as
`growlearn up` starts it, on SQLite.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from results import publish
from servers import dashboard_server
from sqlalchemy import Connection, create_engine, text

from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.db.tables import Base
from growlearn.app.demo.home import load_demo_settings, make_demo_home
from growlearn.app.demo.run import run_demo
from growlearn.domain.job import Job

STREAM, STABLE = "digits", 2
COPIED = (
    "growlearn_windows", "growlearn_drift_reports", "growlearn_drift_test_results", "growlearn_decision_log",
    "growlearn_growths", "growlearn_evaluations", "growlearn_task_scores", "growlearn_gates",
    "growlearn_versions", "growlearn_branches", "growlearn_tasks",
)  # fmt: skip
OF_EVERY_WINDOW = COPIED[:4]
PAGES = (
    "/",
    "/streams/{}",
    "/streams/{}/windows",
    "/streams/{}/windows/w3",
    "/streams/{}/drift",
    "/streams/{}/lineage",
    "/streams/{}/branches/b1",
    "/streams/{}/accuracy",
    "/streams/{}/versions",
    "/streams/{}/compare",
    "/streams/{}/quarantine",
)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"
)  # fmt: skip
_TIMES = """() => {
  const load = performance.getEntriesByType('navigation')[0];
  return [load.responseEnd - load.requestStart, load.loadEventStart, load.decodedBodySize / 1000];
}"""


@dataclass(frozen=True)
class Load:
    """From the request to the last byte of the page, and to its load event, in ms; its size.

    `cpu` are the ms of processor time that server and browser took together.
    """

    answer: float
    drawn: float
    size_kb: float
    cpu: float


def main() -> None:
    """Make the record, load every page, publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="the folder of a finished growlearn demo; it is copied")
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--windows", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        _make_home(home, options.home)
        names = _multiply(home, options.streams, options.windows)
        with dashboard_server(home) as link, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=options.chromium, args=list(FLAGS))
            session = _sign_in(browser, link)
            table = _measure(browser, link.partition("/login")[0], session, names[-1], options.rounds)
            browser.close()
    note = (
        f"{options.streams} streams of {options.windows} windows in SQLite; milliseconds, median and slowest "
        f"of {options.rounds} rounds; first: of a new browser profile, with nothing cached and no renderer "
        "running; again: the same page once more; answer: from that request to the last byte of the page; "
        "CPU: processor time of server, browser and its driver together; load average of the machine "
        f"{os.getloadavg()[2]:.1f}, cores allowed {len(os.sched_getaffinity(0))}"
    )
    arguments = f"dashboard.py --streams {options.streams} --windows {options.windows}"
    publish("dashboard", "Pages of the dashboard", table, note, arguments)


def _make_home(home: Path, finished: Path | None) -> None:
    if finished is not None:
        home.mkdir()
        with (
            closing(sqlite3.connect(finished / "growlearn.db")) as source,
            closing(sqlite3.connect(home / "growlearn.db")) as target,
        ):
            source.backup(target)  # what its write-ahead log holds too
        return
    run_demo(load_demo_settings(make_demo_home(home, overwrite=False), os.environ), threading.Event())


def _multiply(home: Path, streams: int, windows: int) -> list[str]:
    """Give the demo's stream so many windows, and the home so many such streams; returns their names."""
    url = f"sqlite:///{home / 'growlearn.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        first = connection.scalar(
            text("SELECT max(number) FROM growlearn_windows WHERE stream = :stream"), {"stream": STREAM}
        )
        for number in range(int(first or 0) + 1, windows + 1):
            for table in OF_EVERY_WINDOW:
                _copy_window(connection, table, number)
    names = [f"stream-{number:02}" for number in range(1, streams)]
    with closing(open_db_store(url)) as store:
        job, created_at = store.stream(STREAM).job, store.stream(STREAM).created_at
        for name in names:
            renamed: Job = replace(job, name=name)
            store.apply(renamed, created_at)
    with engine.begin() as connection:
        for name in names:
            _copy_stream(connection, name)
    engine.dispose()
    return [STREAM, *names]


def _columns(table: str) -> list[str]:
    return [column.name for column in Base.metadata.tables[table].columns if column.name != "serial"]


def _copy_window(connection: Connection, table: str, number: int) -> None:
    key = "number" if table == "growlearn_windows" else "window"
    values = [":number" if name == key else name for name in _columns(table)]
    _insert(connection, table, values, f"stream = :stream AND {key} = :stable", number=number, stable=STABLE)


def _copy_stream(connection: Connection, name: str) -> None:
    for table in COPIED:
        values = [":name" if column == "stream" else column for column in _columns(table)]
        _insert(connection, table, values, "stream = :stream", name=name)
    connection.execute(
        text(
            "UPDATE growlearn_streams SET (champion, parent_version, looked_at) = (SELECT champion, "
            "parent_version, looked_at FROM growlearn_streams WHERE name = :stream) WHERE name = :name"
        ),
        {"stream": STREAM, "name": name},
    )


def _insert(connection: Connection, table: str, values: Sequence[str], where: str, **parameters: Any) -> None:
    columns = ", ".join(f'"{name}"' for name in _columns(table))
    quoted = ", ".join(value if value.startswith(":") else f'"{value}"' for value in values)
    statement = f"INSERT INTO {table} ({columns}) SELECT {quoted} FROM {table} WHERE {where}"  # noqa: S608
    connection.execute(text(statement), {"stream": STREAM, **parameters})


def _sign_in(browser: Browser, link: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    cookies = context.cookies()
    context.close()
    return cookies


def _measure(browser: Browser, url: str, session: Any, stream: str, rounds: int) -> list[str]:
    table = [
        "| page | size, KB | answer | first load | slowest | CPU | load again | slowest | CPU |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for path in PAGES:
        loads = [_load_twice(browser, url + path.format(stream), session) for _ in range(rounds)]
        first, again = [[load[index] for load in loads] for index in (0, 1)]
        cells = [f"`{path.format('STREAM')}`", f"{first[0].size_kb:.0f}", _median(again, "answer")]
        for side in (first, again):
            slowest = f"{max(load.drawn for load in side):.0f}"
            cells += [_median(side, "drawn"), slowest, _median(side, "cpu")]
        table.append(f"| {' | '.join(cells)} |")
        print(table[-1], flush=True)
    return table


def _median(loads: Sequence[Load], name: str) -> str:
    return f"{median(getattr(load, name) for load in loads):.0f}"


def _load_twice(browser: Browser, url: str, session: Any) -> list[Load]:
    """The first load of a new browser profile, and the next one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies(session)
    page = context.new_page()
    loads = []
    for _ in range(2):
        before = _descendants_cpu_s()
        page.goto(url, wait_until="load")
        answer, drawn, size_kb = page.evaluate(_TIMES)
        loads.append(Load(answer, drawn, size_kb, 1000 * (_descendants_cpu_s() - before)))
    context.close()
    return loads


def _descendants_cpu_s() -> float:
    """The processor time of every process below this one: server, browser and what drives it."""
    parents, times = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            number = int(stat.parent.name)
            parents[number], times[number] = int(fields[1]), int(fields[11]) + int(fields[12])
    below = {os.getpid()}
    while found := {number for number, parent in parents.items() if parent in below} - below:
        below |= found
    return sum(times.get(number, 0) for number in below - {os.getpid()}) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
