"""How a route is added: never without the role that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from growlearn.app.api.access import PUBLIC, ROLE_KEY
from growlearn.app.api.json_response import JSON_TYPE, PROBLEM_TYPE
from growlearn.domain.api_key import Role

PREFIX = "/api/v1"
_PROBLEM = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_KEY_ERRORS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_ANY_ERRORS = (HTTPStatus.SERVICE_UNAVAILABLE,)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route: `role` None opens it to everybody; `errors` are the statuses that only it may have.

    `other_models` are of statuses whose answer is no problem.
    """

    method: str
    path: str
    role: Role | None
    summary: str
    model: Any = None
    status: HTTPStatus = HTTPStatus.OK
    errors: Sequence[HTTPStatus] = ()
    other_models: Mapping[HTTPStatus, Any] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    request_body: dict[str, Any] | None = None
    parameters: Sequence[dict[str, Any]] = ()


def add_route(app: FastAPI, route: Route, endpoint: Callable[..., Any]) -> None:
    """Add a route; its docstring is the description in the OpenAPI document."""
    errors = [*route.errors, *_ANY_ERRORS, *(() if route.role is None else _KEY_ERRORS)]
    responses: dict[int | str, dict[str, Any]] = {
        int(status): {"description": status.phrase, "content": _PROBLEM} for status in sorted(set(errors))
    }
    success: dict[str, Any] = {"description": route.status.phrase}
    if route.model is not None:
        success["model"] = route.model
    else:
        success["content"] = {route.content_type: {}}
    responses[int(route.status)] = success
    for status, model in route.other_models.items():
        responses[int(status)] = {"description": status.phrase, "model": model}
    extra: dict[str, Any] = {ROLE_KEY: PUBLIC if route.role is None else route.role.value}
    extra["security"] = [] if route.role is None else [{"key": []}]
    if route.request_body is not None:
        extra["requestBody"] = route.request_body
    if route.parameters:
        extra["parameters"] = list(route.parameters)
    app.add_api_route(
        route.path,
        endpoint,
        methods=[route.method],
        summary=route.summary,
        status_code=int(route.status),
        response_class=Response,
        response_model=None,
        responses=responses,
        openapi_extra=extra,
        operation_id=f"{endpoint.__name__}",
    )
