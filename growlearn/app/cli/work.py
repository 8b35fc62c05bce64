"""run, up, scheduler, worker: where windows are handled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.output import FAILED, QUARANTINED, say, warn

if TYPE_CHECKING:
    from growlearn.adapters.scheduler.scheduler import Scheduler
    from growlearn.app.worker import Worker
    from growlearn.ports import Store
    from growlearn.settings import Settings


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    for command in (run, up, scheduler, worker):
        app.command(rich_help_panel="Run")(command)


def run(
    stream: Annotated[
        str, typer.Argument(metavar="STREAM_OR_JOB.yaml", help="A stream, or a job file to apply first.")
    ],
) -> None:
    """Handle every pending window now, then exit."""
    from growlearn.app.applying import stream_meant
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings
    from growlearn.app.mirror import deliver
    from growlearn.app.running import run_to_end
    from growlearn.app.stopping import Stopped, stopping
    from growlearn.app.telling import kept_out_anything, sentences

    here = settings()
    store = open_record(here)
    name = stream_meant(store, stream)
    try:
        with stopping() as stop:
            summary = run_to_end(name, here, store, stop)
    except Stopped:
        warn("stopped; run again to go on")
        raise typer.Exit(FAILED) from None
    for sentence in sentences(name, summary, store):
        say(sentence)
    if not summary.files and not summary.windows:
        say(f"{name}: nothing new")
    deliver(here, store, name, warn)
    if kept_out_anything(summary):
        raise typer.Exit(QUARANTINED)


def up() -> None:
    """Scheduler and worker together, until stopped."""
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings
    from growlearn.app.stopping import stopping

    here = settings()
    store = open_record(here)
    _introduce(here, store)
    with stopping() as stop:
        work = _worker(here, store, stop)
        ticks = _scheduler(here, store, work.wake)
        ticks.start()
        try:
            work.run(stop)
        finally:
            ticks.stop()


def scheduler() -> None:
    """Only the scheduler: claims each tick once, over any number of schedulers."""
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings
    from growlearn.app.stopping import stopping

    here = settings()
    store = open_record(here)
    _introduce(here, store)
    with stopping() as stop:
        ticks = _scheduler(here, store, lambda stream: _log(f"{stream} is due"))
        ticks.start()
        try:
            while not stop.wait(1.0):
                pass
        finally:
            ticks.stop()


def worker() -> None:
    """Only a worker: handles the streams that a scheduler says are due."""
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings
    from growlearn.app.stopping import stopping

    here = settings()
    store = open_record(here)
    _introduce(here, store)
    with stopping() as stop:
        _worker(here, store, stop).run(stop)


def _worker(here: Settings, store: Store, stop: threading.Event) -> Worker:
    from growlearn.app.cli.progress import plain_lines
    from growlearn.app.composition import clock, cycle_ports
    from growlearn.app.mirror import deliver
    from growlearn.app.stopping import until
    from growlearn.app.telling import sentences
    from growlearn.app.worker import Worker
    from growlearn.cycle import run_stream

    ports = cycle_ports(here, store)

    def handle(stream: str) -> None:
        report = plain_lines(lambda text: _log(f"{stream} {text}"), time.monotonic)
        summary = run_stream(stream, ports, until(stop, report))
        for sentence in sentences(stream, summary, store):
            _log(sentence)
        deliver(here, store, stream, _trouble, patient=False)

    return Worker(
        store,
        clock(),
        handle,
        _trouble,
        poll_s=here.poll_s,
        parallel=here.parallel_streams,
        retry_s=here.lease_s,
    )


def _scheduler(here: Settings, store: Store, dispatch: Callable[[str], None]) -> Scheduler:
    from growlearn.adapters.scheduler.scheduler import Scheduler
    from growlearn.app.composition import clock

    return Scheduler(store, clock(), dispatch, name=here.worker, poll_s=here.poll_s, complain=_trouble)


def _introduce(here: Settings, store: Store) -> None:
    from sqlalchemy import make_url

    from growlearn.app.applying import upcoming

    say(f"record     {make_url(here.database_url).render_as_string(hide_password=True)}")
    say(f"artifacts  {here.artifacts_url}")
    say(f"MLflow     {here.mlflow_tracking_uri}")
    streams = store.streams()
    for stream in streams:
        say(f"stream     {stream.name}, next {upcoming(stream.job, 1)}")
    if not streams:
        say("no streams yet; growlearn apply JOB.yaml in another terminal is noticed at once")


def _log(text: str) -> None:
    say(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {text}")


def _trouble(text: str) -> None:
    warn(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} trouble: {text}")
