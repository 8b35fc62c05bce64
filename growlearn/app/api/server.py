"""Runs the HTTP API as a process: opens what it needs, listens, stops cleanly on a signal."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

import torch
import uvicorn

from growlearn.app.api.access import Access
from growlearn.app.api.build import build_asgi_app
from growlearn.app.api.context import ApiContext
from growlearn.app.api.http_layer import Log, log_to_stdout
from growlearn.app.api.links import LINK_LIFETIME, OneTimeLinks
from growlearn.app.api.routes.login import LOGIN_PATH
from growlearn.app.api.routing import PREFIX
from growlearn.app.api.served_models import ServedModels
from growlearn.app.cli.output import echo
from growlearn.app.composition import (
    open_api_records,
    open_artifacts,
    open_process_device,
    open_store,
    system_clock,
)
from growlearn.app.heartbeat import keep_heartbeat
from growlearn.app.log_lines import write_json_lines
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.process import ProcessKind
from growlearn.settings import Settings

_BACKLOG = 2048
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_S = 20  # for requests that are being answered when a signal comes


def serve(settings: Settings, host: str, port: int, *, with_link: bool) -> None:
    """Answer until stopped; `with_link` prints a link that logs a browser in once, on loopback alone."""
    if settings.log_format == "json":
        write_json_lines()
    with closing(listen(host, port)) as listener:
        context = open_context(settings, log_to_stdout)
        address = listener.getsockname()
        url = f"http://{_format_host(address[0])}:{address[1]}"
        echo(f"HTTP API   {url}{PREFIX}")
        echo(f"dashboard  {url}/")
        if with_link and ip_address(address[0]).is_loopback:
            code = context.links.create(context.clock.now())
            minutes = int(LINK_LIFETIME.total_seconds() // 60)
            echo(f"browser    {url}{LOGIN_PATH}?code={code} (once, within {minutes} minutes)")
        elif not any(key.is_valid(context.clock.now()) for key in context.records.keys()):  # noqa: SIM118
            echo("no keys yet; run growlearn keys create NAME --role operator in another terminal")
        with keep_heartbeat(context.store, context.clock, ProcessKind.API, None):
            run_server(context, listener, log_to_stdout)


def _format_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def open_context(settings: Settings, log: Log) -> ApiContext:
    """What the routes share; the number of torch threads of this process is set."""
    torch.set_num_threads(settings.api_threads)
    store = open_store(settings)
    records, artifacts, clock = open_api_records(settings), open_artifacts(settings), system_clock()
    return ApiContext(
        settings=settings,
        store=store,
        records=records,
        artifacts=artifacts,
        clock=clock,
        links=OneTimeLinks(),
        access=Access(records, clock, settings.api_requests_per_s),
        models=ServedModels(
            store,
            artifacts,
            log,
            execution=settings.execution,
            device=open_process_device(settings),
            threads=settings.api_threads,
            max_models=settings.api_max_models,
        ),
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises GrowLearnError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise GrowLearnError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="choose another address with --host and --port",
        ) from error
    return listener


def run_server(context: ApiContext, listener: socket.socket, log: Log) -> None:
    """Answer until SIGINT or SIGTERM; requests in progress are answered first."""
    try:
        make_server(context, log).run(sockets=[listener])
    finally:
        context.models.close()


def make_server(context: ApiContext, log: Log) -> uvicorn.Server:
    """A server of the API that does not run yet."""
    config = uvicorn.Config(
        build_asgi_app(context, log),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_S,
    )
    return _QuietServer(config, context.stopping.set)


class _QuietServer(uvicorn.Server):
    """A server that stops on a signal as if asked to: uvicorn would raise the signal again at the end.

    `on_stop` is called before it waits for the requests in progress.
    """

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what has no end of its own, then wait for the rest."""
        self._on_stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let the first signal end the requests in progress, and the second exit at once."""
        handlers = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
