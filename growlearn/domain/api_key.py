"""Keys of the HTTP API, what each may do, and requests that are answered once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

API_KEY_PREFIX = "glk_"
"""Of every key, so that one found in a log or a repository is recognised as such."""


class Role(StrEnum):
    """What a key may do; each role may do all that the ones before it may."""

    VIEWER = "viewer"  # read and predict
    OPERATOR = "operator"  # push rows, promote, roll back, pause, resume
    ADMIN = "admin"  # create and revoke keys

    def includes(self, other: Role) -> bool:
        """Whether this role may do what the other may.

        >>> Role.OPERATOR.includes(Role.VIEWER), Role.OPERATOR.includes(Role.ADMIN)
        (True, False)
        """
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as it is stored: the sha256 of the 256 random bits that its holder has, never these.

    It counts until `revoked_at`, and until `expires_at` where that is set.
    """

    id: str
    name: str
    role: Role
    token_sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """A request with an idempotency key, and how it was answered.

    `key` is the sha256 of the caller's key and the idempotency key, `request_sha256` that of what was asked.
    `status` and `body` are None while it is being answered.
    """

    key: str
    request_sha256: str
    started_at: datetime
    status: int | None = None
    body: str | None = None


def hash_token(token: str) -> str:
    """The sha256 of a token in hex; a token has 256 random bits, so no salt and no slow hash is needed."""
    return sha256(token.encode()).hexdigest()
