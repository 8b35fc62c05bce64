"""run, up, scheduler, worker: the commands that handle windows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.output import FAILED, QUARANTINED, echo, echo_error

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
    from growlearn.app.apply_job import Allowed, resolve_stream_name
    from growlearn.app.composition import open_artifacts, open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.mlflow_sync import sync_mlflow
    from growlearn.app.run_summary import has_rejections, summary_lines
    from growlearn.app.run_until_idle import run_until_idle
    from growlearn.app.signals import Interrupted, stop_on_signals

    settings = load_settings()
    store = open_store(settings)
    allowed = Allowed(settings.file_limits, settings.protocols)
    name = resolve_stream_name(store, stream, lambda: open_artifacts(settings), allowed)
    try:
        with stop_on_signals() as stop:
            summary = run_until_idle(name, settings, store, stop)
    except Interrupted:
        echo_error("stopped; run again to continue")
        raise typer.Exit(FAILED) from None
    for line in summary_lines(name, summary, store):
        echo(line)
    if not summary.files and not summary.windows:
        echo(f"{name}: nothing new")
    sync_mlflow(settings, store, name, echo_error)
    if has_rejections(summary):
        raise typer.Exit(QUARANTINED)


def up() -> None:
    """Run scheduler and worker together, until stopped."""
    from growlearn.app.composition import open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.signals import stop_on_signals

    settings = load_settings()
    store = open_store(settings)
    _show_startup_info(settings, store)
    with stop_on_signals() as stop:
        stream_worker = _build_worker(settings, store, stop)
        tick_scheduler = _build_scheduler(settings, store, stream_worker.wake)
        tick_scheduler.start()
        try:
            stream_worker.run(stop)
        finally:
            tick_scheduler.stop()


def scheduler() -> None:
    """Run only the scheduler; each tick is claimed once, by whichever scheduler is first."""
    from growlearn.app.composition import open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.signals import stop_on_signals

    settings = load_settings()
    store = open_store(settings)
    _show_startup_info(settings, store)
    with stop_on_signals() as stop:
        tick_scheduler = _build_scheduler(settings, store, lambda stream: _log(f"{stream} is due"))
        tick_scheduler.start()
        try:
            while not stop.wait(1.0):
                pass
        finally:
            tick_scheduler.stop()


def worker() -> None:
    """Run only a worker, which handles the streams that a scheduler marks as due."""
    from growlearn.app.composition import open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.signals import stop_on_signals

    settings = load_settings()
    store = open_store(settings)
    _show_startup_info(settings, store)
    with stop_on_signals() as stop:
        _build_worker(settings, store, stop).run(stop)


def _build_worker(settings: Settings, store: Store, stop: threading.Event) -> Worker:
    from growlearn.app.cli.progress import make_line_reporter
    from growlearn.app.composition import build_ports, system_clock
    from growlearn.app.mlflow_sync import sync_mlflow
    from growlearn.app.run_summary import summary_lines
    from growlearn.app.signals import interruptible
    from growlearn.app.worker import Worker
    from growlearn.pipeline.run import run_stream

    ports = build_ports(settings, store)

    def handle_stream(stream: str) -> None:
        on_progress = make_line_reporter(lambda text: _log(f"{stream} {text}"), time.monotonic)
        summary = run_stream(stream, ports, interruptible(stop, on_progress))
        for line in summary_lines(stream, summary, store):
            _log(line)
        sync_mlflow(settings, store, stream, _log_error, wait=False)

    return Worker(
        store,
        system_clock(),
        handle_stream,
        _log_error,
        poll_s=settings.poll_s,
        parallel=settings.parallel_streams,
        retry_s=settings.lease_s,
    )


def _build_scheduler(settings: Settings, store: Store, dispatch: Callable[[str], None]) -> Scheduler:
    from growlearn.adapters.scheduler.scheduler import Scheduler
    from growlearn.app.composition import system_clock

    return Scheduler(store, system_clock(), dispatch, poll_s=settings.poll_s, on_error=_log_error)


def _show_startup_info(settings: Settings, store: Store) -> None:
    from growlearn.adapters.db.engine import describe_database, parse_database_url
    from growlearn.app.apply_job import format_next_runs

    echo(f"database   {describe_database(parse_database_url(settings.database_url))}")
    echo(f"artifacts  {settings.artifacts_url}")
    echo(f"MLflow     {settings.mlflow_tracking_uri}")
    streams = store.streams()
    for stream in streams:
        echo(f"stream     {stream.name}, next {format_next_runs(stream.job, 1)}")
    if not streams:
        echo("no streams yet; run growlearn apply JOB.yaml in another terminal")


def _log(text: str) -> None:
    echo(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {text}")


def _log_error(text: str) -> None:
    echo_error(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} error: {text}")
