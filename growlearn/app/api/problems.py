"""Errors as problem details (RFC 9457): what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from growlearn.app.api.json_response import PROBLEM_TYPE, encode_json
from growlearn.domain.errors import (
    ConcurrentUpdate,
    CorruptArtifact,
    DatabaseUnavailable,
    GrowLearnError,
    InvalidFile,
    JobError,
    NotFound,
    Unavailable,
)
from growlearn.domain.redaction import redact

RETRY_AFTER_S = 1
REASON_KEY = "growlearn_reason"
"""Of a request's scope: why it was not answered as it was meant, for its log line."""
_STATUS_BY_ERROR: tuple[tuple[type[GrowLearnError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (CorruptArtifact, HTTPStatus.SERVICE_UNAVAILABLE),
    (InvalidFile, HTTPStatus.UNPROCESSABLE_ENTITY),
    (JobError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ConcurrentUpdate, HTTPStatus.CONFLICT),
    (GrowLearnError, HTTPStatus.CONFLICT),
)
"""The status of each error, the first that fits; any other one says that the stream's state forbids it."""


class Problem(Exception):
    """An answer that is an error; `errors` are its parts, such as the rows that are bad."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        hint: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.errors = errors
        self.headers = headers


_DATABASE_PROBLEM = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "the database does not answer",
    "try again; the log has the reason under this request_id",
    headers={"Retry-After": str(RETRY_AFTER_S)},
)
"""Without the reason: it names an address, and may be told before a key was looked at."""


def make_problem(error: GrowLearnError) -> Problem:
    """The problem that an error is."""
    if isinstance(error, DatabaseUnavailable):
        return _DATABASE_PROBLEM
    status = next(status for kind, status in _STATUS_BY_ERROR if isinstance(error, kind))
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    hint = None if error.hint is None else redact(error.hint)
    return Problem(status, redact(error.message), hint, headers=headers)


def render_problem(problem: Problem, request_id: str) -> Response:
    """The response of a problem."""
    body: dict[str, Any] = {
        "type": f"urn:growlearn:problem:{problem.status.phrase.lower().replace(' ', '-')}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "hint": problem.hint,
        "request_id": request_id,
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    headers = dict(problem.headers)
    return Response(encode_json(body), problem.status, headers=headers, media_type=PROBLEM_TYPE)


def get_request_id(request: Request) -> str:
    """The id of a request, as its log line has it."""
    return str(request.scope.get("growlearn_request_id", ""))


async def answer_problem(request: Request, error: Exception) -> Response:
    """For a Problem."""
    assert isinstance(error, Problem)
    return render_problem(error, get_request_id(request))


async def answer_growlearn_error(request: Request, error: Exception) -> Response:
    """For an error that the user can fix."""
    assert isinstance(error, GrowLearnError)
    request.scope[REASON_KEY] = str(error)
    return render_problem(make_problem(error), get_request_id(request))


async def answer_invalid_request(request: Request, error: Exception) -> Response:
    """For parameters or a body that are not as documented."""
    assert isinstance(error, RequestValidationError)
    return render_problem(make_invalid_request_problem(error), get_request_id(request))


def make_invalid_request_problem(error: RequestValidationError) -> Problem:
    """The problem of parameters or a body that are not as documented, with each part that is wrong."""
    errors = [
        {"where": ".".join(map(str, part["loc"]))[:200], "reason": str(part["msg"])[:500]}
        for part in error.errors()
    ]
    detail = f"{errors[0]['where']}: {errors[0]['reason']}" if errors else "the request is not valid"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, "see /api/v1/openapi.json", errors[:100])


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """For an unknown path or method, or a body that is no JSON."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):  # FastAPI's error for one raised as it read the body
        return render_problem(error.__cause__, get_request_id(request))
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.BAD_REQUEST:  # FastAPI's for a body that is no JSON
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    hint = "paths are listed in /api/v1/openapi.json" if status == HTTPStatus.NOT_FOUND else None
    problem = Problem(status, str(error.detail), hint, headers=dict(error.headers or {}))
    return render_problem(problem, get_request_id(request))


async def answer_bug(request: Request, _error: Exception) -> Response:
    """For an error that is nobody's but ours; the log has it under the request's id."""
    problem = Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "this should not happen; it is a bug of growlearn",
        "report it with the log lines of this request_id",
    )
    return render_problem(problem, get_request_id(request))
