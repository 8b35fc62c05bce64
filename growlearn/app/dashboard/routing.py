"""How a page is added: never without the role that it needs, with errors that are pages too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from growlearn.app.api.access import PUBLIC, ROLE_KEY
from growlearn.app.api.problems import Problem, get_request_id, make_invalid_request_problem, make_problem
from growlearn.app.dashboard.templates import get_path, render
from growlearn.domain.api_key import Role
from growlearn.domain.errors import GrowLearnError

PageNumber = Annotated[int, Query(ge=1, le=10**6)]
VersionNumber = Annotated[int | None, Query(ge=1, le=2**31 - 1)]

_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {source}" for name, source in _SOURCES.items()),
    "Referrer-Policy": "same-origin",  # with no-referrer a form of ours would have no Origin
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageRoute(APIRoute):
    """A route whose errors are pages, with headers that let a browser load nothing from elsewhere."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler between both."""
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                response = await handle(request)
            except Problem as problem:
                response = render_problem_page(request, problem)
            except GrowLearnError as error:
                response = render_problem_page(request, make_problem(error))
            except RequestValidationError as error:
                response = render_problem_page(request, make_invalid_request_problem(error))
            response.headers.update(_HEADERS)
            return response

        return handle_page


def add_page(app: FastAPI, method: str, path: str, role: Role | None, endpoint: Callable[..., Any]) -> None:
    """Add a page; `role` None opens it to everybody. It is no part of the OpenAPI document."""
    app.router.add_api_route(
        path,
        endpoint,
        methods=[method],
        response_class=Response,
        response_model=None,
        include_in_schema=False,
        openapi_extra={ROLE_KEY: PUBLIC if role is None else role.value},
        route_class_override=PageRoute,
    )


def render_problem_page(request: Request, problem: Problem) -> Response:
    """The page of an error; without a key that counts, the page to sign in."""
    if problem.status == HTTPStatus.UNAUTHORIZED:
        path = get_path(request)
        response = render_sign_in(request, path if request.method == "GET" else "/")
        response.headers["HX-Redirect"] = path  # a page that refreshes itself becomes this one
    else:
        values = {"problem": problem, "request_id": get_request_id(request)}
        response = render(request, "problem.html", code=problem.status, **values)
    response.headers.update(problem.headers)
    return response


def render_sign_in(
    request: Request,
    following: str,
    error: str | None = None,
    *,
    code: HTTPStatus = HTTPStatus.UNAUTHORIZED,
) -> Response:
    """The page to sign in; `following` is where it leads."""
    return render(request, "sign_in.html", following=following, error=error, code=code)
