"""Who may call which route: keys, their roles, and how often a key may call."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from growlearn.app.api.problems import Problem
from growlearn.app.api.rate_limit import RateLimit
from growlearn.domain.api_key import ApiKey, Role, hash_token
from growlearn.ports import ApiRecords, Clock

ROLE_KEY = "x-role"
"""Of a route's entry in the OpenAPI document: the role that it needs."""
PUBLIC = "public"
"""In its place, for a route that needs no key."""
COOKIE = "growlearn_session"
_CACHE_S = 2.0  # within which a key that another process revoked stops working
_MAX_CACHED_KEYS = 10_000
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class _CachedKey:
    key: ApiKey
    until: float


class Access:
    """Finds the key of a request, and refuses what its role does not include and routes without a role."""

    def __init__(
        self,
        records: ApiRecords,
        clock: Clock,
        requests_per_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._clock = clock
        self._monotonic = monotonic
        self._cache: OrderedDict[str, _CachedKey] = OrderedDict()
        self._limit = RateLimit(requests_per_s, monotonic)

    async def authorize(self, request: Request) -> None:
        """Set `growlearn_key` of the request's scope; raises Problem where it may not call this route."""
        extra = getattr(request.scope.get("route"), "openapi_extra", None) or {}
        needed = extra.get(ROLE_KEY)
        if needed == PUBLIC:
            return
        if needed is None:
            raise Problem(HTTPStatus.FORBIDDEN, "this route is open to nobody")
        key = await self.check_key(request)
        request.scope["growlearn_key"] = key
        if not key.role.includes(Role(needed)):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                f"key {key.id} has the role {key.role}; this needs {needed}",
                "ask an admin for another key: growlearn keys create NAME --role ROLE",
            )
        self._limit.take(key.id)

    async def check_key(self, request: Request) -> ApiKey:
        """The key of a request, as it is now; raises Problem (401) where it does not count."""
        return await self.find_key(_read_token(request), request)

    async def find_key(self, token: str | None, request: Request) -> ApiKey:
        """The key with this token; raises Problem (401) where there is none that counts."""
        client = request.client.host if request.client else ""
        if token is None:
            raise _unauthorized("a key is needed", client, self._limit)
        digest = hash_token(token)
        cached = self._cache.get(digest)
        if cached is None or cached.until < self._monotonic():
            found = await run_in_threadpool(self._records.find_key, digest)
            if found is None:
                self._cache.pop(digest, None)
                raise _unauthorized("the key is not known", client, self._limit)
            cached = self._remember(digest, found)
        if not cached.key.is_valid(self._clock.now()):
            raise _unauthorized("the key is revoked or has expired", client, self._limit)
        return cached.key

    def _remember(self, digest: str, key: ApiKey) -> _CachedKey:
        self._cache[digest] = cached = _CachedKey(key, self._monotonic() + _CACHE_S)
        while len(self._cache) > _MAX_CACHED_KEYS:
            self._cache.popitem(last=False)
        return cached

    def forget(self) -> None:
        """Look every key up again: one was revoked by this process."""
        self._cache.clear()


def get_key(request: Request) -> ApiKey:
    """The key of a request that was authorized."""
    key = request.scope["growlearn_key"]
    assert isinstance(key, ApiKey)
    return key


def _unauthorized(detail: str, client: str, limit: RateLimit) -> Problem:
    limit.take(f"client {client}")  # so that nobody tries keys as fast as he can
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        detail,
        "send the header Authorization: Bearer KEY; make a key with: growlearn keys create NAME",
        headers={"WWW-Authenticate": 'Bearer realm="growlearn"'},
    )


def _read_token(request: Request) -> str | None:
    """The bearer token; or a browser's cookie, for a write from its own pages alone."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    cookie = request.cookies.get(COOKIE)
    if cookie is not None and request.method not in _SAFE_METHODS and not is_same_origin(request):
        return None
    return cookie


def is_same_origin(request: Request) -> bool:
    """Whether a browser says that a page of this host sent the request."""
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] == request.headers.get("host")
