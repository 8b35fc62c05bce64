"""Versions with their aliases, every move of an alias, and the moves that a person makes."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from growlearn.app.api.access import get_key
from growlearn.app.api.context import ApiContext
from growlearn.app.api.problems import Problem
from growlearn.app.api.routes.decisions import Decide, make_decision, name_actor
from growlearn.app.canary_view import canary_view
from growlearn.app.dashboard.forms import read_form
from growlearn.app.dashboard.pagination import take_page
from growlearn.app.dashboard.routing import PageNumber, add_page
from growlearn.app.dashboard.templates import make_stream_url, render
from growlearn.app.decisions import decide_promotion, decide_rollback
from growlearn.domain.api_key import Role
from growlearn.registry.promotion import get_aliases

PAGE_SIZE = 50
_MOVES_SHOWN = 20
_CANARIES_SHOWN = 5
_MAX_REASON = 1000


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add the list and both moves."""
    store = context.store

    def list_versions(stream: str, request: Request, page: PageNumber = 1, moved: bool = False) -> Response:
        stored, versions = store.stream(stream), store.versions(stream)
        moves = tuple(reversed(store.alias_changes(stream)))
        canaries = store.canaries.of_stream(stream)
        return render(
            request,
            "versions.html",
            stream=stream,
            stored=stored,
            page=take_page(tuple(reversed(versions)), page, PAGE_SIZE),
            numbers=[version.number for version in reversed(versions)],
            aliases={version.number: get_aliases(stored, version.number) for version in versions},
            moves=moves[:_MOVES_SHOWN],
            num_moves=len(moves),
            last_move=moves[0] if moved and moves else None,
            canaries=[(canary, canary_view(canary)) for canary in reversed(canaries[-_CANARIES_SHOWN:])],
            num_canaries=len(canaries),
        )

    async def promote_version(stream: str, request: Request) -> Response:
        return await _move(context, stream, request, decide_promotion, "promoted on the dashboard")

    async def rollback_version(stream: str, request: Request) -> Response:
        return await _move(context, stream, request, decide_rollback, "rolled back on the dashboard")

    add_page(app, "GET", "/streams/{stream}/versions", Role.VIEWER, list_versions)
    add_page(app, "POST", "/streams/{stream}/promote", Role.OPERATOR, promote_version)
    add_page(app, "POST", "/streams/{stream}/rollback", Role.OPERATOR, rollback_version)


async def _move(
    context: ApiContext, stream: str, request: Request, decide: Decide, default_reason: str
) -> Response:
    form = await read_form(request)
    version = read_version(form.get("version", ""))
    reason = form.get("reason", "").strip()[:_MAX_REASON] or default_reason
    loop, actor = asyncio.get_running_loop(), name_actor(get_key(request))
    await run_in_threadpool(make_decision, context, loop, decide, stream, version, actor, reason)
    await context.models.try_refresh(stream)
    return RedirectResponse(f"{make_stream_url(stream, 'versions')}?moved=1", HTTPStatus.SEE_OTHER)


def read_version(text: str) -> int:
    """The number of a version; raises Problem for another text.

    >>> read_version("12")
    12
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"{text[:20]!r} is no version", "use the buttons of the page"
        )
    return int(text)
