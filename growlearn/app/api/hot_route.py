"""The way of a prediction past FastAPI: the same endpoint and check of the key, a third of the time."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from growlearn.app.api import problems
from growlearn.app.api.access import Access
from growlearn.app.api.http_layer import Receive, Scope, Send
from growlearn.app.api.routing import PREFIX
from growlearn.domain.errors import GrowLearnError

_PATH = re.compile(rf"{PREFIX}/streams/([^/]+)/predict")
Endpoint = Callable[[str, Request], Awaitable[Response]]


class HotRoute:
    """An ASGI application: FastAPI's, but for POST .../predict, which has no parameters to validate."""

    def __init__(self, app: FastAPI, access: Access) -> None:
        self._app = app
        self._access = access
        self._endpoint: Endpoint = app.state.hot_endpoint
        (self._route,) = [
            route for route in app.routes if isinstance(route, APIRoute) and route.endpoint is self._endpoint
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if match is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route  # which says what role it needs
        request = Request(scope, receive)
        try:
            await self._access.authorize(request)
            response = await self._endpoint(match[1], request)
        except problems.Problem as problem:
            response = await problems.answer_problem(request, problem)
        except GrowLearnError as error:
            response = await problems.answer_growlearn_error(request, error)
        except ClientDisconnect:  # nobody is there to be answered
            return
        except Exception as error:
            await (await problems.answer_bug(request, error))(scope, receive, send)
            raise
        await response(scope, receive, send)
