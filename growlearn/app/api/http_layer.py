"""Around every request: its id, its size limit, its log line, its figures."""

from __future__ import annotations

import re
import sys
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from growlearn.app.api.json_response import encode_json
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.problems import REASON_KEY, Problem, render_problem
from growlearn.domain.redaction import redact

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Log = Callable[[str, dict[str, object]], None]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_ROUTE = "none"
_MB = 2**20
_CACHE_CONTROL = b"cache-control"
_NO_STORE = (_CACHE_CONTROL, b"no-store")  # unless a route says otherwise
_KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class HttpLayer:
    """An ASGI application around the routes; plain, because it is passed by every prediction."""

    def __init__(self, app: AsgiApp, metrics: ApiMetrics, log: Log, max_body_mb: float) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log
        self._max_body_mb = max_body_mb
        self._max_body_bytes = int(max_body_mb * _MB)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        headers = dict(scope["headers"])
        request_id = _choose_request_id(headers.get(b"x-request-id"))
        scope["growlearn_request_id"] = request_id

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                if not any(name == _CACHE_CONTROL for name, _ in given):
                    given.append(_NO_STORE)
                message["headers"] = [
                    *given, (b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")
                ]  # fmt: skip
            await send(message)

        try:
            if self._is_too_long(headers.get(b"content-length")):
                response = render_problem(self._make_too_large(), request_id)
                await response(scope, receive, send_with_headers)
            else:
                await self._app(scope, self._limit(receive), send_with_headers)
        except Exception:  # answered with status 500 already; the server must not log it a second time
            self._log("error", {"request_id": request_id, "traceback": redact(traceback.format_exc())})
            if not status:
                raise
        finally:
            self._finish(scope, request_id, status, time.perf_counter() - started)

    def _is_too_long(self, content_length: bytes | None) -> bool:
        return content_length is not None and (
            not content_length.isdigit() or int(content_length[:18]) > self._max_body_bytes
        )

    def _make_too_large(self) -> Problem:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body is larger than {self._max_body_mb:g} MB",
            "send it in parts; the limit is GROWLEARN_API_MAX_BODY_MB",
        )

    def _limit(self, receive: Receive) -> Receive:
        received = 0

        async def receive_limited() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise self._make_too_large()
            return message

        return receive_limited

    def _finish(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _NO_ROUTE)
        method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
        self._metrics.count_request(method, route, status, seconds)
        key = scope.get("growlearn_key")
        reason = {"reason": redact(scope[REASON_KEY])} if REASON_KEY in scope else {}
        self._log(
            "request",
            {
                "request_id": request_id,
                "method": method,
                "path": scope["path"][:500],
                "status": status,
                "ms": round(seconds * 1e3, 3),
                "key": None if key is None else key.id,
                "client": (scope.get("client") or ("",))[0],
                **reason,
            },
        )


def _choose_request_id(given: bytes | None) -> str:
    """The caller's own id where it is harmless in a log, else a new one."""
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return uuid.uuid4().hex


def log_to_stdout(event: str, fields: dict[str, object]) -> None:
    """One line of JSON."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stdout.write(encode_json({"at": at, "event": event, **fields}).decode() + "\n")
    sys.stdout.flush()
