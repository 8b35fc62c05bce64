"""Builds the HTTP API of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from growlearn import __version__
from growlearn.app.api import problems
from growlearn.app.api.canaries import Canaries
from growlearn.app.api.context import ApiContext
from growlearn.app.api.hot_route import HotRoute
from growlearn.app.api.http_layer import HttpLayer, Log, log_to_stdout
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.progress_feed import ProgressFeed, read_progress
from growlearn.app.api.request_log import RequestLog, deposit_log_file
from growlearn.app.api.routes import (
    canary,
    decisions,
    health,
    keys,
    labels,
    login,
    predict,
    progress,
    push,
    streams,
)
from growlearn.app.api.schemas import Problem as ProblemModel
from growlearn.app.dashboard.pages import add_pages
from growlearn.domain.errors import GrowLearnError

_DESCRIPTION = """\
Streams, windows, drift, versions and predictions of one GrowLearn. Every answer that is an error is a problem
(RFC 9457) with a hint. Send the key as `Authorization: Bearer KEY`; `x-role` says which role a route needs:
viewer, operator or admin, each of which may do all that the ones before it may."""


def build_api(context: ApiContext, log: Log = log_to_stdout) -> FastAPI:
    """All routes, without what is around every request; see `build_asgi_app`."""
    metrics = ApiMetrics()
    deposit = partial(deposit_log_file, context.settings.protocols)
    look = partial(read_progress, context.store, context.clock)
    request_log = RequestLog(context.clock, metrics, log, deposit)
    canaries = Canaries(context.store.canaries, context.models, context.clock, log)

    @asynccontextmanager
    async def run_watch(app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(context.models.watch(context.settings.poll_s))
        following = asyncio.create_task(canaries.run(context.settings.poll_s))
        looking = asyncio.create_task(app.state.progress.run())
        writing = asyncio.create_task(request_log.run())
        yield
        watch.cancel()
        following.cancel()
        looking.cancel()
        request_log.close()
        await asyncio.wait([following, writing])

    app = FastAPI(
        title="GrowLearn",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url=None,  # a route of ours gives it, to those with a key
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(context.access.authorize)],
        lifespan=run_watch,
    )
    app.state.metrics = metrics
    app.state.request_log = request_log
    app.state.canaries = canaries
    app.state.progress = ProgressFeed(look, context.stopping, log)
    app.add_exception_handler(problems.Problem, problems.answer_problem)
    app.add_exception_handler(GrowLearnError, problems.answer_growlearn_error)
    app.add_exception_handler(RequestValidationError, problems.answer_invalid_request)
    app.add_exception_handler(HTTPException, problems.answer_http_exception)
    app.add_exception_handler(Exception, problems.answer_bug)
    for group in (health, login, streams, progress, predict, push, labels, canary, decisions, keys):
        group.add_routes(app, context, metrics)
    add_pages(app, context)
    _complete_openapi(app)
    return app


def build_asgi_app(context: ApiContext, log: Log) -> HttpLayer:
    """The application that a server runs."""
    app = build_api(context, log)
    routes = HotRoute(app, context.access)
    return HttpLayer(routes, app.state.metrics, log, context.settings.api_max_body_mb)


def _complete_openapi(app: FastAPI) -> None:
    """Add what FastAPI cannot know: the schema of problems, and how a key is sent."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            components = document.setdefault("components", {})
            problem = ProblemModel.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = components.setdefault("schemas", {})
            schemas |= {**problem.pop("$defs", {}), "Problem": problem}
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
