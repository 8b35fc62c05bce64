"""What a person decides: promote, roll back, pause, resume."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.access import get_key
from growlearn.app.api.answer_once import IDEMPOTENCY_PARAMETER, answer_once
from growlearn.app.api.context import ApiContext
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.problems import Problem
from growlearn.app.api.routes.streams import STREAM
from growlearn.app.api.routing import Route, add_route
from growlearn.app.api.served_models import ServedModel
from growlearn.app.decisions import Decision, decide_promotion, decide_rollback, store_decision
from growlearn.domain.api_key import ApiKey, Role
from growlearn.pipeline.verify import describe_verification
from growlearn.ports import Store

Decide = Callable[[Store, str, int | None, str, str, datetime], Decision]
_ERRORS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
_TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add them."""
    _add_alias_routes(app, context)
    _add_pause_routes(app, context)


def name_actor(key: ApiKey) -> str:
    """Who acts, as the decision log has it."""
    return f"{key.name} (key {key.id})"


def _add_alias_routes(app: FastAPI, context: ApiContext) -> None:
    async def promote(stream: str, request: Request, asked: schemas.VersionRequest | None = None) -> Response:
        """Make a version, or the challenger, the champion, after its stored answers were checked."""
        return await _decide(context, request, stream, asked, decide_promotion, "promoted by hand")

    async def rollback(
        stream: str, request: Request, asked: schemas.VersionRequest | None = None
    ) -> Response:
        """Return to a version, or the champion's parent; later growth starts from it."""
        return await _decide(context, request, stream, asked, decide_rollback, "rolled back by hand")

    for name, summary, endpoint in (("promote", "Promote", promote), ("rollback", "Roll back", rollback)):
        route = Route(
            method="POST",
            path=f"{STREAM}/{name}",
            role=Role.OPERATOR,
            summary=summary,
            model=schemas.AliasChanges,
            errors=(*_ERRORS, _TOO_LARGE),
            parameters=(IDEMPOTENCY_PARAMETER,),
        )
        add_route(app, route, endpoint)


async def _decide(
    context: ApiContext,
    request: Request,
    stream: str,
    asked: schemas.VersionRequest | None,
    decide: Decide,
    default_reason: str,
) -> Response:
    asked = asked or schemas.VersionRequest()
    loop = asyncio.get_running_loop()

    def work() -> tuple[HTTPStatus, Any]:
        actor, reason = name_actor(get_key(request)), asked.reason or default_reason
        decision = make_decision(context, loop, decide, stream, asked.version, actor, reason)
        return HTTPStatus.OK, _render(decision)

    body, may_repeat = asked.model_dump_json().encode(), asked.version is not None
    response = await run_in_threadpool(answer_once, context, request, body, work, may_repeat=may_repeat)
    await context.models.try_refresh(stream)
    return response


def make_decision(
    context: ApiContext,
    loop: asyncio.AbstractEventLoop,
    decide: Decide,
    stream: str,
    version: int | None,
    actor: str,
    reason: str,
) -> Decision:
    """Decide and store it, once the version was opened by the loop's models and checked; not on the loop.

    Raises Problem where its answers are not those stored with it, and GrowLearnError as `decide` does.
    """
    decision = decide(context.store, stream, version, actor, reason, context.clock.now())
    opened = asyncio.run_coroutine_threadsafe(context.models.open(stream, decision.version), loop)
    _require_proof(opened.result())  # nothing has moved yet
    store_decision(context.store, decision)
    return decision


def _require_proof(model: ServedModel) -> None:
    if not model.verification.is_proven:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"nothing was changed: version {model.version} of stream {model.stream!r} is "
            f"{describe_verification(model.verification)}",
            "name another version; to use this one all the same: growlearn promote --unverified",
        )


def _render(decision: Decision) -> dict[str, Any]:
    changes = [
        {"alias": change.alias.value, "before": change.before, "after": change.after}
        for change in decision.changes
    ]
    return {"stream": decision.stream.name, "changes": changes}


def _add_pause_routes(app: FastAPI, context: ApiContext) -> None:
    def set_paused(paused: bool, stream: str, request: Request) -> Response:
        def work() -> tuple[HTTPStatus, Any]:
            actor = name_actor(get_key(request))
            changed = context.store.set_paused(stream, paused, context.clock.now(), actor)
            return HTTPStatus.OK, {"stream": stream, "paused": paused, "changed": changed}

        return answer_once(context, request, b"", work)

    def pause(stream: str, request: Request) -> Response:
        """Let schedulers and workers leave a stream alone; a window in progress is finished."""
        return set_paused(True, stream, request)

    def resume(stream: str, request: Request) -> Response:
        """Handle a paused stream again, from its next due time on."""
        return set_paused(False, stream, request)

    for summary, endpoint in (("Pause", pause), ("Resume", resume)):
        route = Route(
            method="POST",
            path=f"{STREAM}/{endpoint.__name__}",
            role=Role.OPERATOR,
            summary=summary,
            model=schemas.PausedStream,
            errors=_ERRORS,
            parameters=(IDEMPOTENCY_PARAMETER,),
        )
        add_route(app, route, endpoint)
