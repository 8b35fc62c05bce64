"""Canaries: listed, started and stopped."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.access import get_key
from growlearn.app.api.answer_once import IDEMPOTENCY_PARAMETER, answer_once
from growlearn.app.api.canaries import Canaries
from growlearn.app.api.context import ApiContext
from growlearn.app.api.json_response import json_response
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.routes.decisions import name_actor
from growlearn.app.api.routes.streams import STREAM
from growlearn.app.api.routing import Route, add_route
from growlearn.app.canary_view import canaries_view, canary_view
from growlearn.domain.api_key import Role
from growlearn.domain.canary import Canary
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.redaction import redact_values

_PATH = f"{STREAM}/canary"
_ERRORS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add them."""
    _add_listing(app, context)
    _add_decisions(app, context)


def _add_listing(app: FastAPI, context: ApiContext) -> None:
    store = context.store

    def list_canaries(stream: str) -> Response:
        """The stream's canaries, oldest first; at most one of them runs."""
        return json_response(
            redact_values(canaries_view(store.canaries.of_stream(store.stream(stream).name)))
        )

    route = Route(
        method="GET", path=_PATH, role=Role.VIEWER, summary="Canaries", model=schemas.Canaries, errors=_ERRORS
    )
    add_route(app, route, list_canaries)


def _add_decisions(app: FastAPI, context: ApiContext) -> None:
    store, clock = context.store, context.clock
    running: Canaries = app.state.canaries

    async def decide(request: Request, body: bytes, work: Callable[[str], Canary]) -> Response:
        def answer() -> tuple[HTTPStatus, Any]:
            return HTTPStatus.OK, redact_values(canary_view(work(name_actor(get_key(request)))))

        response = await run_in_threadpool(answer_once, context, request, body, answer, may_repeat=False)
        await running.try_look()  # other processes look within a moment
        return response

    async def start_canary(
        stream: str, request: Request, asked: schemas.CanaryRequest | None = None
    ) -> Response:
        """Let a version, or the challenger, answer a share of the requests, in place of one that does.

        Whatever the share, both versions answer all requests, one of them in the background.
        """
        wanted = asked or schemas.CanaryRequest()

        def work(actor: str) -> Canary:
            return store.canaries.start(stream, wanted.version, wanted.share_percent, clock.now(), actor)

        return await decide(request, wanted.model_dump_json().encode(), work)

    async def stop_canary(stream: str, request: Request) -> Response:
        """Let the champion answer all requests again."""

        def work(actor: str) -> Canary:
            stopped = store.canaries.stop(stream, None, "stopped by hand", clock.now(), actor)
            if stopped is None:
                raise GrowLearnError(
                    f"stream {stream!r} has no canary that runs",
                    hint=f"see: growlearn canary show {stream}",
                )
            return stopped

        return await decide(request, b"", work)

    for method, summary, endpoint, errors in (
        ("POST", "Start a canary", start_canary, (*_ERRORS, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)),
        ("DELETE", "Stop the canary", stop_canary, _ERRORS),
    ):
        route = Route(
            method=method, path=_PATH, role=Role.OPERATOR, summary=summary, model=schemas.Canary,
            errors=errors, parameters=(IDEMPOTENCY_PARAMETER,),
        )  # fmt: skip
        add_route(app, route, endpoint)
