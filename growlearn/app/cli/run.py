"""run, up, scheduler, worker: the commands that handle windows."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.output import FAILED, QUARANTINED, echo, echo_error
from growlearn.app.log_lines import log_fields, write_json_lines, writes_json
from growlearn.domain.errors import DatabaseUnavailable, DiskFull, LeaseLost

if TYPE_CHECKING:
    from growlearn.app.alert_sender import AlertSender
    from growlearn.app.deliverer import Deliverer
    from growlearn.app.outages import Outages
    from growlearn.app.worker import Worker
    from growlearn.ports import AlertQueue, Store
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
    from growlearn.app.alert_sender import send_alerts_once
    from growlearn.app.apply_job import Allowed, resolve_stream_name
    from growlearn.app.composition import open_artifacts, open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.mlflow_sync import sync_mlflow
    from growlearn.app.run_summary import has_rejections, report_events
    from growlearn.app.run_until_idle import run_until_idle
    from growlearn.app.signals import Interrupted, stop_on_signals

    settings = load_settings()
    store = open_store(settings)
    allowed = Allowed.by(settings)
    name = resolve_stream_name(store, stream, lambda: open_artifacts(settings), allowed)
    try:
        with stop_on_signals() as stop:
            summary = run_until_idle(name, settings, store, stop, report_events(name, store, echo))
    except Interrupted:
        echo_error("stopped; run again to continue")
        raise typer.Exit(FAILED) from None
    except (DatabaseUnavailable, DiskFull):  # alerts are in the database too, and one sentence is enough
        raise
    except Exception:
        send_alerts_once(settings, store, echo_error)
        raise
    if not summary.files and not summary.windows:
        echo(f"{name}: nothing new")
    sync_mlflow(settings, store, name, echo_error)
    send_alerts_once(settings, store, echo_error)
    if has_rejections(summary):
        raise typer.Exit(QUARANTINED)


def up() -> None:
    """Run scheduler, worker and HTTP API together, until stopped."""
    from growlearn.app.api.process import run_api_process
    from growlearn.app.signals import stop_on_signals

    service = _open_service()
    with (
        stop_on_signals() as stop,
        _heartbeat(service, "up"),
        run_api_process(),
        _sending_alerts(service, stop),
    ):
        stream_worker = _build_worker(service, stop)
        with _running_scheduler(service, stream_worker.wake):
            _run_worker(service, stream_worker, stop)


def scheduler() -> None:
    """Run only the scheduler; each tick is claimed once, by whichever scheduler is first."""
    from growlearn.app.signals import stop_on_signals

    service = _open_service()
    with (
        stop_on_signals() as stop,
        _heartbeat(service, "scheduler"),
        _sending_alerts(service, stop),
        _running_scheduler(service, _log_due),
    ):
        while not stop.wait(1.0):
            pass


def _log_due(stream: str) -> None:
    with log_fields(stream=stream):
        _log(f"{stream} is due")


def worker() -> None:
    """Run only a worker, which handles the streams that a scheduler marks as due."""
    from growlearn.app.signals import stop_on_signals

    service = _open_service()
    with stop_on_signals() as stop, _heartbeat(service, "worker"), _sending_alerts(service, stop):
        _run_worker(service, _build_worker(service, stop), stop)


@dataclass(frozen=True)
class _Service:
    """What the parts of a long-running process share."""

    settings: Settings
    store: Store
    outages: Outages
    deliverer: Deliverer
    alerts: AlertQueue
    alert_sender: AlertSender


def _open_service() -> _Service:
    from growlearn.app.alert_sender import build_alert_sender
    from growlearn.app.composition import open_alert_queue, open_store, system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.deliverer import Deliverer, Delivery
    from growlearn.app.garbage import exempt_imports
    from growlearn.app.mlflow_sync import deliver_stream
    from growlearn.app.outages import Outages

    settings = load_settings()
    if settings.log_format == "json":
        write_json_lines()
    store = open_store(settings)
    # Its pool logs a traceback for every connection that a server drops; the error itself is reported.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    outages = Outages(system_clock(), _log, _log_error)
    imported = threading.Event()

    def deliver(stream: str) -> Delivery:
        is_first = not imported.is_set() and bool(store.outbox.pending(stream, limit=1))
        with log_fields(stream=stream):
            delivery = deliver_stream(settings, store, stream, _log, outages)
        if is_first and delivery is Delivery.DONE:  # by now everything that is imported late is there
            imported.set()
            exempt_imports()
        return delivery

    deliverer = Deliverer(
        store,
        system_clock(),
        deliver,
        outages,
        poll_s=settings.poll_s,
        retry_s=settings.lease_s,
    )
    alerts = open_alert_queue(settings)
    _show_startup_info(settings, store)
    return _Service(
        settings, store, outages, deliverer, alerts, build_alert_sender(settings, store, alerts, outages)
    )


def _heartbeat(service: _Service, kind: str) -> AbstractContextManager[None]:
    from growlearn.app.composition import system_clock
    from growlearn.app.heartbeat import keep_heartbeat
    from growlearn.domain.process import ProcessKind

    return keep_heartbeat(service.store, system_clock(), ProcessKind(kind), service.settings.poll_s)


@contextmanager
def _sending_alerts(service: _Service, stop: threading.Event) -> Iterator[None]:
    join = service.alert_sender.start(stop)
    try:
        yield
    finally:
        stop.set()
        join()


def _run_worker(service: _Service, stream_worker: Worker, stop: threading.Event) -> None:
    join = service.deliverer.start(stop)
    try:
        stream_worker.run(stop)
    finally:
        stop.set()
        join()


def _build_worker(service: _Service, stop: threading.Event) -> Worker:
    from growlearn.app.alert_sender import report_stream_failure
    from growlearn.app.cli.progress import make_line_reporter
    from growlearn.app.composition import build_ports, system_clock
    from growlearn.app.run_summary import report_events
    from growlearn.app.signals import interruptible
    from growlearn.app.worker import Worker
    from growlearn.pipeline.run import run_stream

    settings, store = service.settings, service.store
    ports = build_ports(settings, store)

    def handle_stream(stream: str, should_stop: Callable[[], bool]) -> None:
        on_progress = make_line_reporter(lambda text: _log(f"{stream} {text}"), time.monotonic)
        events, begun = report_events(stream, store, _log), ports.clock.now()
        try:
            run_stream(stream, ports, interruptible(stop, on_progress), events, should_stop)
        except LeaseLost as error:
            _log(str(error))
            raise
        except Exception as error:
            report_stream_failure(service.alerts, stream, error, begun, ports.clock.now())
            raise
        finally:
            service.deliverer.wake(stream)

    return Worker(
        store,
        system_clock(),
        handle_stream,
        service.outages,
        poll_s=settings.poll_s,
        parallel=settings.parallel_streams,
        retry_s=settings.lease_s,
    )


@contextmanager
def _running_scheduler(service: _Service, dispatch: Callable[[str], None]) -> Iterator[None]:
    from growlearn.adapters.scheduler.scheduler import Scheduler
    from growlearn.app.composition import system_clock

    tick_scheduler = Scheduler(
        service.store,
        system_clock(),
        dispatch,
        poll_s=service.settings.poll_s,
        on_error=service.outages.report,
        on_recovery=service.outages.clear,
    )
    tick_scheduler.start()
    try:
        yield
    finally:
        tick_scheduler.stop()


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
    echo(text if writes_json() else f"{_format_now()} {text}")


def _log_error(text: str) -> None:
    echo_error(text if writes_json() else f"{_format_now()} error: {text}")


def _format_now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
