"""A scheduler or a worker of the service, on the real store; its windows need no training.

The parts are those of `growlearn scheduler` and `growlearn worker`; what a cycle computes is left out, so
that a process starts in a second and dozens of windows end in one.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Callable
from threading import Event

from growlearn.adapters.db.store import DbStore, open_db_store
from growlearn.adapters.memory.clock import SystemClock
from growlearn.adapters.scheduler.scheduler import Scheduler
from growlearn.app.heartbeat import keep_heartbeat
from growlearn.app.outages import Outages
from growlearn.app.worker import Worker
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.process import ProcessKind
from growlearn.domain.stream import Message, MessageKind, Transition
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.pipeline.lease import Lease, hold_lease

_FILES_PER_TICK = 4
_STATES = {WindowState.ACCEPTED: WindowState.JUDGED, WindowState.JUDGED: WindowState.SKIPPED}


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["scheduler", "worker"])
    parser.add_argument("url")
    parser.add_argument("--windows", type=int, required=True, help="files of each stream")
    parser.add_argument("--work-s", type=float, required=True, help="work on each state of a window")
    parser.add_argument("--lease-s", type=float, required=True)
    parser.add_argument("--poll-s", type=float, required=True)
    options = parser.parse_args()
    for name in ("sqlalchemy.pool", "apscheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    store, clock = open_when_there(options.url), SystemClock()
    outages = Outages(clock, lambda text: print(text, flush=True), lambda text: print(text, flush=True))
    with keep_heartbeat(store, clock, ProcessKind(options.kind), options.poll_s):
        if options.kind == "worker":
            handler = make_handler(store, options)
            Worker(
                store, clock, handler, outages, poll_s=options.poll_s, parallel=2, retry_s=options.lease_s
            ).run(Event())
        Scheduler(
            store, clock, lambda _: None, poll_s=options.poll_s, on_error=outages.report,
            on_recovery=outages.clear,
        ).start()  # fmt: skip
        Event().wait()


def open_when_there(url: str) -> DbStore:
    """The store; a server that restarts is waited for."""
    while True:
        try:
            return open_db_store(url)
        except GrowLearnError:
            time.sleep(0.2)


def make_handler(store: DbStore, options: argparse.Namespace) -> Callable[[str, Callable[[], bool]], None]:
    """What is done with a stream that is due: read new files, then handle every pending window."""
    worker, clock = f"worker-{os.getpid()}", SystemClock()

    def handle(name: str, should_stop: Callable[[], bool]) -> None:
        first = len(store.windows(name)) + 1
        for number in range(first, min(first + _FILES_PER_TICK, options.windows + 1)):
            store.record_ingest(make_ingest(name, number))
        while window := store.claim(name, worker, clock.now(), options.lease_s):
            with hold_lease(store, window.claimed_by(worker), clock, options.lease_s) as lease:
                handle_window(store, window, worker, lease, options.work_s)
            if store.count_pending(name) and should_stop():
                return

    return handle


def make_ingest(name: str, number: int) -> IngestResult:
    """A file that becomes one window."""
    now = SystemClock().now()
    window = Window(
        stream=name, number=number, state=WindowState.ACCEPTED, source=f"f{number}", discovered_at=now,
        updated_at=now, rows=1, snapshot="0" * 64,
    )  # fmt: skip
    return IngestResult(
        stream=name,
        file=SourceFile(url=f"f{number}", fingerprint="1", size_bytes=1),
        sha256="0" * 64,
        schema="0" * 16,
        rows=1,
        windows=(window,),
        bad_rows=(),
        at=now,
    )


def handle_window(store: DbStore, window: Window, worker: str, lease: Lease, work_s: float) -> None:
    """Each state takes some time, and its end is recorded with a message as in a cycle."""
    while target := _STATES.get(window.state):
        time.sleep(work_s)
        lease.require()
        message = Message(stream=window.stream, kind=MessageKind.CYCLE, window=window.id)
        window = store.advance(
            Transition(
                stream=window.stream,
                window=window.id,
                source=window.state,
                target=target,
                worker=worker,
                claim=window.claim,
                at=SystemClock().now(),
                messages=(message,) if target is WindowState.SKIPPED else (),
            )
        )


if __name__ == "__main__":
    main()
