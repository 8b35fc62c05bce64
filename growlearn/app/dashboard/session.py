"""Signs a browser in with a key of the API, and out."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from growlearn.app.api.access import COOKIE, get_key, is_same_origin
from growlearn.app.api.context import ApiContext
from growlearn.app.api.links import SESSION_KEY_NAME, start_session
from growlearn.app.api.problems import Problem
from growlearn.app.dashboard.forms import read_form
from growlearn.app.dashboard.routing import add_page, render_sign_in
from growlearn.domain.api_key import Role

SIGN_IN_PATH = "/sign-in"


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add the form, what it sends, and the way out."""

    async def show_sign_in(request: Request) -> Response:
        return render_sign_in(request, "/", code=HTTPStatus.OK)

    async def sign_in(request: Request) -> Response:
        form = await read_form(request)
        following = choose_path(form.get("next", ""))
        if not is_same_origin(request):
            return render_sign_in(request, following, "The form was not sent by a page of this host.")
        token = form.get("key", "").strip()
        try:
            await context.access.find_key(token or None, request)
        except Problem as problem:
            if problem.status != HTTPStatus.UNAUTHORIZED:
                raise
            return render_sign_in(request, following, f"Not signed in: {problem}.")
        return start_session(RedirectResponse(following, HTTPStatus.SEE_OTHER), token)

    async def sign_out(request: Request) -> Response:
        key = get_key(request)
        if key.name == SESSION_KEY_NAME and key.expires_at is not None:  # made for this browser alone
            await run_in_threadpool(context.records.revoke_key, key.id, context.clock.now())
            context.access.forget()
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    add_page(app, "GET", SIGN_IN_PATH, None, show_sign_in)
    add_page(app, "POST", SIGN_IN_PATH, None, sign_in)
    add_page(app, "POST", "/sign-out", Role.VIEWER, sign_out)


def choose_path(asked: str) -> str:
    """Where to go after signing in: a path of this host, else the first page.

    >>> choose_path("/streams/a"), choose_path("//evil.example"), choose_path("https://evil.example")
    ('/streams/a', '/', '/')
    """
    is_path = asked.startswith("/") and not asked.startswith("//")
    return asked if is_path and "\\" not in asked and asked.isprintable() else "/"
