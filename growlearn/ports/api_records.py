"""What the HTTP API stores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from growlearn.domain.api_key import ApiKey, ApiRequest


class ApiRecords(Protocol):
    """What the HTTP API stores: its keys, and the answers to requests with an idempotency key."""

    def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        ...

    def keys(self) -> Sequence[ApiKey]:
        """All keys, revoked ones too, oldest first."""
        ...

    def find_key(self, token_sha256: str) -> ApiKey | None:
        """The key with that hash."""
        ...

    def revoke_key(self, key_id: str, at: datetime) -> ApiKey:
        """Revoke a key, once; raises NotFound."""
        ...

    def claim_request(self, request: ApiRequest, stale_before: datetime) -> ApiRequest | None:
        """None where the caller is to answer this request now; else the request that was stored before.

        One that was begun before `stale_before` and not answered is taken over: its process died.
        """
        ...

    def finish_request(self, key: str, status: int, body: str) -> None:
        """Store the answer to a claimed request."""
        ...

    def drop_request(self, key: str) -> None:
        """Forget a claimed request that changed nothing, so that it can be sent again."""
        ...

    def prune_requests(self, before: datetime) -> None:
        """Forget the requests that were begun before."""
        ...
