"""Whether the process lives and is ready, its figures, and the OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.context import ApiContext
from growlearn.app.api.json_response import json_response
from growlearn.app.api.metrics import METRICS_TYPE, ApiMetrics
from growlearn.app.api.readiness import check_readiness
from growlearn.app.api.routing import PREFIX, Route, add_route
from growlearn.domain.api_key import Role


def add_routes(app: FastAPI, context: ApiContext, metrics: ApiMetrics) -> None:
    """Add them."""

    async def healthz() -> Response:
        """The process lives; nothing else is asked."""
        return json_response({"status": "ok"})

    def readyz() -> Response:
        """The database is at the right revision, and the file store can be written."""
        checks = check_readiness(context.settings)
        is_ready = all(result == "ok" for result in checks.values())
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return json_response({"status": "ok" if is_ready else "not ready", "checks": checks}, status)

    async def metrics_text() -> Response:
        """Figures of this process as Prometheus text."""
        text = metrics.render(context.models.champions, context.models.refused)
        return Response(text, media_type=METRICS_TYPE)

    async def openapi() -> Response:
        """The document that describes all routes."""
        return json_response(app.openapi())

    health = Route(
        method="GET", path="/healthz", role=None, summary="The process lives", model=schemas.Health
    )
    add_route(app, health, healthz)
    ready = Route(
        method="GET",
        path="/readyz",
        role=None,
        summary="It can answer",
        model=schemas.Health,
        other_models={HTTPStatus.SERVICE_UNAVAILABLE: schemas.Health},
    )
    add_route(app, ready, readyz)
    add_route(
        app,
        Route(method="GET", path="/metrics", role=Role.VIEWER, summary="Figures", content_type="text/plain"),
        metrics_text,
    )
    add_route(
        app,
        Route(method="GET", path=f"{PREFIX}/openapi.json", role=Role.VIEWER, summary="OpenAPI document"),
        openapi,
    )
