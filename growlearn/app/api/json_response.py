"""JSON of the API, written fast."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"


def encode_json(value: Any) -> bytes:
    """JSON in UTF-8; a number that is not finite is null."""
    return msgspec.json.encode(value)


def json_response(value: Any, status: int = HTTPStatus.OK) -> Response:
    """A response of JSON."""
    return Response(encode_json(value), status, media_type=JSON_TYPE)
