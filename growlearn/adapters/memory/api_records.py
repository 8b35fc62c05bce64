"""Keys and answered requests of the HTTP API in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import RLock

from growlearn.domain.api_key import ApiKey, ApiRequest
from growlearn.domain.errors import NotFound


class MemoryApiRecords:
    """May be shared by threads. See ports.ApiRecords for each method."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._keys: dict[str, ApiKey] = {}
        self._requests: dict[str, ApiRequest] = {}

    def close(self) -> None:
        """Nothing to close, unlike a database."""

    def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        with self._lock:
            self._keys[key.id] = key

    def keys(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        with self._lock:
            return tuple(sorted(self._keys.values(), key=lambda key: (key.created_at, key.id)))

    def find_key(self, token_sha256: str) -> ApiKey | None:
        """The key with that hash."""
        return next((key for key in self.keys() if key.token_sha256 == token_sha256), None)

    def revoke_key(self, key_id: str, at: datetime) -> ApiKey:
        """Revoke a key, once; raises NotFound."""
        with self._lock:
            if key_id not in self._keys:
                raise NotFound(f"there is no key {key_id!r}", hint="see: growlearn keys list")
            key = self._keys[key_id]
            self._keys[key_id] = replace(key, revoked_at=key.revoked_at or at)
            return self._keys[key_id]

    def claim_request(self, request: ApiRequest, stale_before: datetime) -> ApiRequest | None:
        """None where the caller is to answer it now; else the one that was stored before."""
        with self._lock:
            stored = self._requests.get(request.key)
            if stored is None or (stored.status is None and stored.started_at < stale_before):
                self._requests[request.key] = request
                return None
            return stored

    def finish_request(self, key: str, status: int, body: str) -> None:
        """Store the answer to a claimed request."""
        with self._lock:
            if key in self._requests:
                self._requests[key] = replace(self._requests[key], status=status, body=body)

    def drop_request(self, key: str) -> None:
        """Forget a claimed request that changed nothing."""
        with self._lock:
            self._requests.pop(key, None)

    def prune_requests(self, before: datetime) -> None:
        """Forget the requests that were begun before."""
        with self._lock:
            self._requests = {k: r for k, r in self._requests.items() if r.started_at >= before}
