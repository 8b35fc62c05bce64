"""A write that is done once, however often it is sent with the same Idempotency-Key."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.responses import Response

from growlearn.app.api.access import get_key
from growlearn.app.api.context import ApiContext
from growlearn.app.api.json_response import JSON_TYPE, encode_json
from growlearn.app.api.problems import Problem
from growlearn.domain.api_key import ApiRequest
from growlearn.domain.errors import GrowLearnError

HEADER = "Idempotency-Key"
_ALLOWED = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT = timedelta(days=1)
_TRIES, _RETRY_S = 3, 0.5
_STALE = timedelta(minutes=5)  # longer than any write takes: its process died
_AFTER_A_DEATH = {
    True: "it is done anew after five minutes",
    False: "it may have been done: look at the stream, then send it under a new key where it was not",
}
IDEMPOTENCY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[\\x21-\\x7e]+$"},
    "description": "the same request with the same key, within a day, has the same answer and is done once",
}


def answer_once(
    context: ApiContext,
    request: Request,
    body: bytes,
    work: Callable[[], tuple[HTTPStatus, Any]],
    *,
    may_repeat: bool = True,
) -> Response:
    """Do `work` and answer with its status and JSON; once, where the request has an idempotency key.

    A request that raises changed nothing, and may be sent again. Where its process died, nobody knows whether
    it was done: it is done anew after five minutes if it `may_repeat`, that is, changes no more the second
    time. Raises Problem where the key was used for another request, or that one is still being answered.
    """
    idempotency_key = request.headers.get(HEADER)
    if idempotency_key is None:
        status, answer = work()
        return Response(encode_json(answer), status, media_type=JSON_TYPE)
    if not _ALLOWED.fullmatch(idempotency_key):
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"{HEADER} must be 1 to 200 printable characters of ASCII"
        )
    now = context.clock.now()
    claimed = ApiRequest(
        key=_digest(get_key(request).id, idempotency_key),
        request_sha256=_digest(request.method, request.url.path, body),
        started_at=now,
    )
    context.records.prune_requests(now - _KEPT)
    stored = context.records.claim_request(claimed, now - (_STALE if may_repeat else _KEPT))
    if stored is not None:
        return _answer_again(stored, claimed, may_repeat=may_repeat)
    try:
        status, answer = work()
    except BaseException:
        _try_repeatedly(lambda: context.records.drop_request(claimed.key))
        raise
    content = encode_json(answer)
    _try_repeatedly(lambda: context.records.finish_request(claimed.key, int(status), content.decode()))
    return Response(content, status, media_type=JSON_TYPE)


def _try_repeatedly(note: Callable[[], None]) -> None:
    """Note what became of a request; where the database stays away, the claim ends after `_STALE`.

    The caller has an answer all the same: an error would say that nothing was done.
    """
    for _ in range(_TRIES):
        with suppress(GrowLearnError):
            note()
            return
        time.sleep(_RETRY_S)


def _answer_again(stored: ApiRequest, claimed: ApiRequest, *, may_repeat: bool) -> Response:
    if stored.request_sha256 != claimed.request_sha256:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"this {HEADER} was used for another request",
            "use a new key for each request",
        )
    if stored.status is None or stored.body is None:
        raise Problem(
            HTTPStatus.CONFLICT,
            "the same request is being answered right now",
            f"send it again in a second; if its process has died, {_AFTER_A_DEATH[may_repeat]}",
            headers={"Retry-After": "1"},
        )
    return Response(
        stored.body, stored.status, headers={"Idempotency-Replayed": "true"}, media_type=JSON_TYPE
    )


def _digest(*parts: str | bytes) -> str:
    digest = sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
