"""Sends the files that pages load."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.api.problems import Problem
from growlearn.app.dashboard.routing import add_page
from growlearn.app.dashboard.static_files import STATIC_PATH, load_static_files

_FOREVER = "public, max-age=31536000, immutable"


def add_pages(app: FastAPI, _: ApiContext) -> None:
    """Add the route."""

    async def static_file(name: str, request: Request) -> Response:
        file = load_static_files().get(name)
        if file is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such file")
        is_current = request.query_params.get("v") == file.digest
        headers = {"Cache-Control": _FOREVER if is_current else "no-cache"}
        return Response(file.content, headers=headers, media_type=file.media_type)

    add_page(app, "GET", f"{STATIC_PATH}/{{name}}", None, static_file)
