"""Thousands of streams in one record: `growlearn status`, a scheduler's tick, a worker's idle look.

Every stream has a past: ticks, windows that are done, versions' messages that are delivered; one in ten waits
for labels, one in a hundred has a window to do. Each figure is the median of five, on SQLite and on
PostgreSQL; SQL statements are counted as the driver sends them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from results import publish
from servers import postgres
from sqlalchemy import event, insert

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import DbStore, open_db_store
from growlearn.adapters.db.tables import OutboxRow, StreamRow, TickRow, WindowRow
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.scheduler.scheduler import Scheduler
from growlearn.app.outages import Outages
from growlearn.app.worker import Worker
from growlearn.domain.job import Job, Schedule, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import MessageKind
from growlearn.domain.window import Verdict, WindowState

START = datetime(2026, 1, 1, tzinfo=UTC)
REPEATS = 5
_SCHEDULES = (Schedule(every="5m"), Schedule(every="1h"), Schedule(cron="*/10 * * * *"))


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of CPU in this process and its children (not in a database server)."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Measured:
    """Seconds of one operation, and the SQL statements it sent (None: in another process)."""

    what: str
    cost: Cost
    statements: int | None


def main() -> None:
    """Measure both databases and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--windows", type=int, default=20, help="a stream")
    parser.add_argument("--no-table", action="store_true", help="print only")
    options = parser.parse_args()
    lines = [
        "| database | operation | seconds | CPU seconds | SQL statements |",
        "| --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder, postgres("streams") as urls:
        databases = {"SQLite": f"sqlite:///{folder}/growlearn.db", "PostgreSQL": urls["streams"]}
        for database, url in databases.items():
            upgrade_database(url)
            with open_db_store(url) as store:
                fill(store, options.streams, options.windows)
                for measured in (measure_status(url, Path(folder)), *measure_looks(store)):
                    statements = "" if measured.statements is None else measured.statements
                    cost = f"{measured.cost.wall_s:.2f} | {measured.cost.cpu_s:.2f}"
                    lines.append(f"| {database} | {measured.what} | {cost} | {statements} |")
                    print(lines[-1], flush=True)
    if not options.no_table:
        publish(
            "many_streams",
            f"{options.streams:,} streams of {options.windows} windows each",
            lines,
            "Medians of five; `growlearn status` is a whole process, its start included",
        )


def fill(store: DbStore, num_streams: int, num_windows: int) -> None:
    """So many streams with a past, written in bulk."""
    streams, windows, ticks, messages = [], [], [], []
    places = range(1, num_windows + 1)
    for number in range(num_streams):
        job = make_job(number)
        streams.append({"name": job.name, "job": job, "created_at": START, "champion": None})
        windows += [window_values(job.name, number, place, num_windows) for place in places]
        ticks += [{"stream": job.name, "due_at": START + timedelta(minutes=5 * place)} for place in places]
        delivered = {"stream": job.name, "kind": MessageKind.CYCLE, "attempts": 1, "delivered_at": START}
        messages += [{**delivered, "window": f"w{place}"} for place in places]
    with store._engine.execution_options(growlearn_writes=True).begin() as connection:
        for table, values in (
            (StreamRow, streams),
            (WindowRow, windows),
            (TickRow, ticks),
            (OutboxRow, messages),
        ):
            connection.execute(insert(table), values)
    with store._engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def make_job(number: int) -> Job:
    """A job of twelve columns; every second stream has labels that come later."""
    inputs = {f"column_{place}": InputColumn(type=InputType.NUMBER) for place in range(12)}
    return Job(
        name=f"stream-{number:05}",
        source=SourceConfig(url=f"/data/stream-{number:05}"),
        schema=Schema(inputs=inputs, id_column="id" if number % 2 else None),
        schedule=_SCHEDULES[number % len(_SCHEDULES)],
    )


def window_values(stream: str, number: int, place: int, last: int) -> dict[str, Any]:
    """One window's row: done, but the last of a stream may wait for labels or a worker."""
    state = WindowState.SKIPPED
    if place == last and number % 10 == 1:
        state = WindowState.AWAITING_LABELS
    if place == last and number % 100 == 2:
        state = WindowState.ACCEPTED
    return {
        "stream": stream,
        "number": place,
        "state": state,
        "source": f"/data/{stream}/{place:05}.parquet",
        "discovered_at": START,
        "updated_at": START,
        "rows": 1000,
        "quarantined_rows": 0,
        "snapshot": "0" * 64,
        "verdict": Verdict.STABLE,
        "reason": "no test is significant at 0.01",
        "labelled": 10,
        "labels_required": 100 if state is WindowState.AWAITING_LABELS else None,
        "failures": 0,
    }


def measure_status(url: str, folder: Path) -> Measured:
    """`growlearn status --json`, whole."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("GROWLEARN_")}
    environment = others | {"GROWLEARN_HOME": str(folder), "GROWLEARN_DATABASE_URL": url}

    def run() -> None:
        program = [sys.executable, "-c", "from growlearn.app.main import main; main()", "status", "--json"]
        subprocess.run(program, env=environment, stdout=subprocess.DEVNULL, check=True)

    return Measured("`growlearn status`", median_of(run), None)


def measure_looks(store: DbStore) -> Iterator[Measured]:
    """A scheduler's looks with every stream due and with none; a worker's looks with nothing new."""
    clock = ManualClock(START + timedelta(days=1))
    scheduler = Scheduler(store, clock, lambda _: None, poll_s=60, on_error=_fail)

    def tick() -> None:
        clock.advance(7200)
        scheduler.sync()

    with counted(store) as statements:
        scheduler.sync()
        first = len(statements)
        cost = median_of(tick)
        yield Measured("a tick, every stream due", cost, (len(statements) - first) // REPEATS)
    with counted(store) as statements:
        yield Measured("a tick, no stream due", median_of(scheduler.sync), len(statements) // REPEATS)
    outages = Outages(clock, _fail, _fail)
    worker = Worker(store, clock, lambda *_: None, outages, poll_s=60, parallel=1, retry_s=3600)
    started: list[str] = []
    worker.start_due(started.append)  # every stream once
    for stream in store.streams():
        worker.handle_stream(stream.name, _NEVER)
    with counted(store) as statements:
        cost = median_of(lambda: worker.start_due(started.append))
        yield Measured("a worker's idle look", cost, len(statements) // REPEATS)


class _Never:
    def is_set(self) -> bool:
        return False


_NEVER: Any = _Never()


@contextmanager
def counted(store: DbStore) -> Iterator[list[str]]:
    """The SQL statements that the store sends meanwhile."""
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(store._engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(store._engine, "before_cursor_execute", count)


def median_of(operation: Callable[[], object]) -> Cost:
    """The medians of several."""
    costs = []
    for _ in range(REPEATS):
        started, before = time.perf_counter(), os.times()
        operation()
        after = os.times()
        cpu_s = sum(after[:4]) - sum(before[:4])
        costs.append(Cost(time.perf_counter() - started, cpu_s))
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall_s", "cpu_s")))


def _fail(*texts: str) -> None:
    raise SystemExit(": ".join(texts))


if __name__ == "__main__":
    main()
