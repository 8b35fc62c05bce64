"""Windows in progress: a listing, and the same as server-sent events whenever it changes."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.context import ApiContext
from growlearn.app.api.json_response import JSON_TYPE
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.problems import Problem
from growlearn.app.api.progress_feed import EVENTS_TYPE, ProgressFeed, format_event, read_progress
from growlearn.app.api.routing import PREFIX, Route, add_route
from growlearn.domain.api_key import Role
from growlearn.domain.errors import GrowLearnError

_PROGRESS = f"{PREFIX}/progress"
EVENTS_PATH = f"{_PROGRESS}/events"
Once = Annotated[bool, Query(description="end after the first event")]


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add them."""
    feed: ProgressFeed = app.state.progress
    look = partial(read_progress, context.store, context.clock)

    def list_progress() -> Response:
        """The windows that workers hold now, at most one a stream, by stream."""
        return Response(look(), media_type=JSON_TYPE)

    async def stream_progress(request: Request, once: Once = False) -> Response:
        """That listing as server-sent events of the name `progress`, at once and whenever it has changed.

        Each event is the whole listing, so that who comes back has missed nothing. The stream goes on until
        the client leaves, its key no longer counts or the server stops; every 15 seconds without an event it
        has a comment. With `once` it ends after the first event.
        """
        if once:
            return Response(format_event(await run_in_threadpool(look)), media_type=EVENTS_TYPE)

        async def is_allowed() -> bool:
            try:
                await context.access.check_key(request)
            except Problem:
                return False
            except GrowLearnError:  # the database is away, not the key
                return True
            return True

        return await feed.open(is_allowed)

    add_route(
        app,
        Route(
            method="GET", path=_PROGRESS, role=Role.VIEWER, summary="Windows in progress",
            model=schemas.WindowsInProgress,
        ),
        list_progress,
    )  # fmt: skip
    add_route(
        app,
        Route(
            method="GET", path=EVENTS_PATH, role=Role.VIEWER, summary="Windows in progress, as they go on",
            content_type=EVENTS_TYPE, errors=(HTTPStatus.UNPROCESSABLE_ENTITY,),
        ),
        stream_progress,
    )  # fmt: skip
