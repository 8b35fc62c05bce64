"""Runs the HTTP API as a process: opens what it needs, listens, stops cleanly on a signal."""

from __future__ import annotations

import socket
from contextlib import closing

import torch
import uvicorn

from growlearn.app.api.access import Access
from growlearn.app.api.build import build_asgi_app
from growlearn.app.api.context import ApiContext
from growlearn.app.api.http_layer import Log
from growlearn.app.api.served_models import ServedModels
from growlearn.app.composition import (
    open_api_records,
    open_artifacts,
    open_process_device,
    open_store,
    system_clock,
)
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings

_BACKLOG = 2048
_GRACE_S = 20  # for requests that are being answered when a signal comes


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
        access=Access(records, clock, settings.api_requests_per_s),
        models=ServedModels(
            store,
            artifacts,
            log,
            execution=settings.execution,
            device=open_process_device(settings),
            threads=settings.api_threads,
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
    with closing(listener):
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:  # uvicorn raises the signal again once it has stopped
            pass
        finally:
            context.models.close()
