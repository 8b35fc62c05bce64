"""The one-time link: a browser that opens it gets a session of its own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query
from starlette.responses import RedirectResponse, Response

from growlearn.app.api.context import ApiContext
from growlearn.app.api.keys import create_key
from growlearn.app.api.links import SESSION_KEY_NAME, SESSION_LIFETIME, start_session
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.problems import Problem
from growlearn.app.api.routing import Route, add_route
from growlearn.domain.api_key import Role

LOGIN_PATH = "/login"


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add it."""

    def log_in(code: Annotated[str, Query(max_length=100)]) -> Response:
        """Set the cookie of a new session with the role admin, for twelve hours; a link counts once."""
        now = context.clock.now()
        if not context.links.take(code, now):
            raise Problem(
                HTTPStatus.GONE, "this link was used or is too old", "start growlearn up again for a new one"
            )
        _, secret = create_key(context.records, SESSION_KEY_NAME, Role.ADMIN, now, now + SESSION_LIFETIME)
        return start_session(RedirectResponse("/", HTTPStatus.SEE_OTHER), secret)

    route = Route(
        method="GET",
        path=LOGIN_PATH,
        role=None,
        summary="Open a one-time link",
        status=HTTPStatus.SEE_OTHER,
        errors=(HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY),
    )
    add_route(app, route, log_in)
