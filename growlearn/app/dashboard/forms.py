"""Reads what a form of a page sends."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Request

from growlearn.app.api.problems import Problem

_TYPE = "application/x-www-form-urlencoded"
_MAX_BYTES = 16_384
_MAX_FIELDS = 20


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form by name; raises Problem for another type of body, and for one that is too long."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a form is expected", "use the page's own form")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is too long", "shorten the reason")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError as error:
        status, hint = HTTPStatus.UNPROCESSABLE_ENTITY, "use the page's own form"
        raise Problem(status, "the form cannot be read", hint) from error
