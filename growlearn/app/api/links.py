"""Links that log a browser in once; they are kept by the process that printed them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from threading import Lock

from starlette.responses import Response

from growlearn.app.api.access import COOKIE
from growlearn.domain.api_key import hash_token

LINK_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=12)
SESSION_KEY_NAME = "browser"
"""Of a key that was made for one browser's session and ends with it."""


class OneTimeLinks:
    """Tokens that count once, until they are too old; only their hashes are kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until: dict[str, datetime] = {}

    def create(self, now: datetime) -> str:
        """A new token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._until[hash_token(token)] = now + LINK_LIFETIME
        return token

    def take(self, token: str, now: datetime) -> bool:
        """Whether the token counts; from now on it does not."""
        with self._lock:
            until = self._until.pop(hash_token(token), None)
        return until is not None and now < until


def start_session(response: Response, token: str) -> Response:
    """The response, with a cookie that stands for a key until the session ends."""
    lifetime_s = int(SESSION_LIFETIME.total_seconds())
    response.set_cookie(COOKIE, token, max_age=lifetime_s, httponly=True, samesite="strict")
    return response
