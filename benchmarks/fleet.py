"""What one PostgreSQL, one scheduler and N workers carry: the real record, with trainings of stated length.

Every stream gets a window of new rows each interval. Processes run the product's own scheduler and worker on
one real PostgreSQL; a worker's handling of a stream writes what a window writes, through the same store:
ingest, a claim, the transitions with their evidence, messages and their delivery. Only what computes is
replaced: reading and judging take `--judge-ms` of waiting, one window in `--train-every` also waits for a
training of `--train-s`. Waiting instead of computing leaves the machine to the record, so that what is
measured is where that ends.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from many_streams import make_job
from results import publish
from servers import postgres
from sqlalchemy import func, insert, select, text

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import DbStore, open_db_store
from growlearn.adapters.db.tables import StreamRow, WindowRow
from growlearn.adapters.memory.clock import SystemClock
from growlearn.adapters.scheduler.scheduler import Scheduler
from growlearn.app.outages import Outages
from growlearn.app.worker import Worker
from growlearn.domain.drift import DriftReport, DriftTestResult
from growlearn.domain.job import Schedule
from growlearn.domain.stream import Message, MessageKind, TrackerIds, Transition
from growlearn.domain.window import IngestResult, SourceFile, Verdict, Window, WindowState

ROWS = 1000
_TESTS = 13  # results of a drift report of twelve columns


@dataclass(frozen=True)
class Load:
    """Streams, the seconds between a stream's windows, workers and their threads, and what a window costs."""

    streams: int
    every_s: float
    workers: int
    parallel: int
    judge_s: float
    train_s: float
    train_every: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """Windows an hour asked for and done, CPU seconds a window by process, and ticks behind at the end."""

    load: Load
    wanted_per_hour: float
    done_per_hour: float
    worker_cpu_ms: float
    scheduler_cpu_share: float
    postgres_cpu_ms: float


def main() -> None:
    """Every size in turn; publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=(10, 100, 1000, 10_000))
    parser.add_argument("--every-s", type=float, default=60.0, help="from window to window")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--parallel", type=int, default=8, help="streams that a worker handles at once")
    parser.add_argument("--judge-ms", type=float, default=100.0)
    parser.add_argument("--train-s", type=float, default=10.0)
    parser.add_argument("--train-every", type=int, default=20)
    parser.add_argument("--intervals", type=int, default=2, help="that are measured")
    parser.add_argument("--no-table", action="store_true", help="print only")
    options = parser.parse_args()
    lines = [
        "| streams | windows an hour, due | done | share | worker CPU ms a window "
        "| PostgreSQL CPU ms a window | scheduler, share of a core |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for streams in options.streams:
        load = Load(
            streams=streams,
            every_s=options.every_s,
            workers=options.workers,
            parallel=options.parallel,
            judge_s=options.judge_ms / 1000,
            train_s=options.train_s,
            train_every=options.train_every,
            seconds=options.intervals * options.every_s,
        )
        lines.append(make_line(simulate(load)))
        print(lines[-1], flush=True)
    if not options.no_table:
        publish(
            "fleet",
            "What one PostgreSQL, one scheduler and workers carry",
            lines,
            f"A window a stream every {options.every_s:.0f} s, {options.workers} workers of "
            f"{options.parallel} streams at once, {options.judge_ms:.0f} ms of judging, one window in "
            f"{options.train_every} trains for {options.train_s:.0f} s; all processes and PostgreSQL shared "
            "one core with other work",
        )


def make_line(outcome: Outcome) -> str:
    """A row of the table."""
    share = outcome.done_per_hour / outcome.wanted_per_hour
    return (
        f"| {outcome.load.streams:,} | {outcome.wanted_per_hour:,.0f} | {outcome.done_per_hour:,.0f} "
        f"| {share:.0%} "
        f"| {outcome.worker_cpu_ms:.0f} | {outcome.postgres_cpu_ms:.0f} | {outcome.scheduler_cpu_share:.1%} |"
    )


def simulate(load: Load) -> Outcome:
    """One load on a new server."""
    context = multiprocessing.get_context("spawn")
    with postgres("fleet") as urls:
        url = urls["fleet"]
        upgrade_database(url)
        with open_db_store(url) as store:
            schedule = Schedule(every=f"{load.every_s:g}s")
            add_streams(store, load.streams, schedule)
            stop, results = context.Event(), context.Queue()
            processes = [context.Process(target=run_scheduler, args=(url, stop, results))]
            processes += [
                context.Process(target=run_worker, args=(url, place, load, stop, results))
                for place in range(load.workers)
            ]
            for process in processes:
                process.start()
            wait_for_start(results, len(processes))
            time.sleep(load.every_s - time.time() % load.every_s)  # the first interval is for starting
            before, server_before = count_done(store), postgres_cpu_s(store)
            time.sleep(load.seconds)
            done, server_s = count_done(store) - before, postgres_cpu_s(store) - server_before
            assert done, "no window was done: the worker's handler fails"
            stop.set()
            costs = dict(results.get(timeout=600) for _ in processes)
            for process in processes:
                process.join(60)
    worker_s = sum(costs[name] for name in costs if name != "scheduler")
    return Outcome(
        load=load,
        wanted_per_hour=3600 * load.streams / load.every_s,
        done_per_hour=3600 * done / load.seconds,
        worker_cpu_ms=1000 * worker_s / max(done, 1),
        scheduler_cpu_share=costs["scheduler"] / load.seconds,
        postgres_cpu_ms=1000 * server_s / max(done, 1),
    )


def add_streams(store: DbStore, num_streams: int, schedule: Schedule) -> None:
    """So many streams of one schedule, in one statement."""
    jobs = [replace(make_job(number), schedule=schedule) for number in range(num_streams)]
    rows = [{"name": job.name, "job": job, "created_at": datetime.now(UTC)} for job in jobs]
    with store._engine.begin() as connection:
        connection.execute(insert(StreamRow), rows)


def wait_for_start(results: Any, processes: int) -> None:
    """Until every process has opened the store."""
    for _ in range(processes):
        assert results.get(timeout=600) == "started"


def count_done(store: DbStore) -> int:
    """Windows that are done."""
    query = select(func.count()).select_from(WindowRow).where(WindowRow.state == WindowState.SKIPPED)
    with store._engine.connect() as connection:
        return connection.scalar(query) or 0


def postgres_cpu_s(store: DbStore) -> float:
    """CPU seconds of this server's processes so far, ended ones too."""
    with store._engine.connect() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    server = int(read_stat(Path(f"/proc/{backend}"))[1])
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = read_stat(process)
        except OSError:  # it has ended since
            continue
        if int(fields[1]) == server:
            ticks += int(fields[11]) + int(fields[12])
        if process.name == str(server):
            ticks += sum(map(int, fields[11:15]))  # of its ended children too
    return ticks / os.sysconf("SC_CLK_TCK")


def read_stat(process: Path) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, ...; times from the eleventh on."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def run_scheduler(url: str, stop: Any, results: Any) -> None:
    """The product's scheduler."""
    with open_db_store(url) as store:
        scheduler = Scheduler(store, SystemClock(), lambda _: None, poll_s=2.0, on_error=print)
        results.put("started")
        started = time.process_time()
        scheduler.start()
        stop.wait()
        scheduler.stop()
        results.put(("scheduler", time.process_time() - started))


def run_worker(url: str, place: int, load: Load, stop: Any, results: Any) -> None:
    """The product's worker, with a handler that writes and waits."""
    with open_db_store(url) as store:
        name, ended = f"worker-{place}", threading.Event()
        worker = Worker(
            store,
            SystemClock(),
            lambda stream, _: handle(store, stream, name, load, ended),
            Outages(SystemClock(), print, print),
            poll_s=2.0,
            parallel=load.parallel,
            retry_s=20.0,
        )
        results.put("started")
        started = time.process_time()
        thread = threading.Thread(target=worker.run, args=(ended,))
        thread.start()
        stop.wait()
        ended.set()
        cpu_s = time.process_time() - started
        thread.join()
        results.put((name, cpu_s))


def handle(store: DbStore, stream: str, worker: str, load: Load, ended: threading.Event) -> None:
    """One new window, from its file to a delivered message."""
    if ended.is_set() or store.has_active_lease(stream, datetime.now(UTC)):
        return
    store.ingested_files(stream)
    number = len(store.windows(stream)) + 1
    if not store.record_ingest(make_ingest(stream, number, int(time.time() / load.every_s))):
        return
    window = store.claim(stream, worker, datetime.now(UTC), 60.0)
    if window is None:
        return
    store.stream(stream)
    store.versions(stream)
    store.tasks(stream)
    ended.wait(load.judge_s)
    step = make_step(window, worker)
    store.advance(
        step(WindowState.ACCEPTED, WindowState.JUDGED, verdict=Verdict.STABLE, report=make_report())
    )
    if number % load.train_every == 0:
        ended.wait(load.train_s)
    message = Message(stream=stream, kind=MessageKind.CYCLE, window=window.id)
    store.advance(step(WindowState.JUDGED, WindowState.SKIPPED, reason="stable", messages=(message,)))
    if store.outbox.claim(stream, worker, datetime.now(UTC), 60.0):
        for pending in store.outbox.pending(stream):
            store.decision_log(stream, window.id)
            store.outbox.record_delivery(pending.id, TrackerIds(run_id="r"), datetime.now(UTC))
        store.outbox.release(stream, worker)


def make_ingest(stream: str, number: int, interval: int) -> IngestResult:
    """The one file of an interval, which became one window; the store takes it once."""
    at, url = datetime.now(UTC), f"/data/{stream}/{interval}.parquet"
    window = Window(
        stream=stream,
        number=number,
        state=WindowState.ACCEPTED,
        source=url,
        discovered_at=at,
        updated_at=at,
        rows=ROWS,
        snapshot="5" * 64,
    )
    return IngestResult(
        stream=stream,
        file=SourceFile(url=url, fingerprint="100-1", size_bytes=1),
        sha256=f"{number:064}",
        schema="0" * 16,
        rows=ROWS,
        windows=(window,),
        bad_rows=(),
        at=at,
    )


def make_step(window: Window, worker: str) -> Callable[..., Transition]:
    """A transition of the window."""

    def step(source: WindowState, target: WindowState, **records: Any) -> Transition:
        return Transition(
            stream=window.stream,
            window=window.id,
            source=source,
            target=target,
            worker=worker,
            claim=window.claim,
            at=datetime.now(UTC),
            snapshot=window.snapshot,
            job_digest="0" * 16,
            **records,
        )

    return step


def make_report() -> DriftReport:
    """A report of thirteen tests."""
    results: Sequence[DriftTestResult] = [
        DriftTestResult(
            detector="per-column",
            task="task-1",
            name=f"column_{place}",
            statistic=0.1,
            p_value=0.5,
            threshold=0.01,
            reference_rows=ROWS,
            window_rows=ROWS,
            effect_size=0.01,
        )
        for place in range(_TESTS)
    ]
    return DriftReport(
        verdict=Verdict.STABLE, task="task-1", reason="no test", alpha=0.01, test_results=tuple(results)
    )


if __name__ == "__main__":
    main()
