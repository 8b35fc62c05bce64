"""Makes keys of the HTTP API; only their hash is ever stored."""

from __future__ import annotations

import secrets
from datetime import datetime

from growlearn.domain.api_key import API_KEY_PREFIX, ApiKey, Role, hash_token
from growlearn.domain.errors import GrowLearnError
from growlearn.ports import ApiRecords

MAX_NAME_LENGTH = 80


def create_key(
    records: ApiRecords, name: str, role: Role, at: datetime, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Store a new key; returns it with its token, which is known here and nowhere else.

    Raises GrowLearnError for a name that is empty, too long or not printable.
    """
    if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise GrowLearnError(
            f"{name[:MAX_NAME_LENGTH]!r} cannot name a key",
            hint=f"give 1 to {MAX_NAME_LENGTH} printable characters",
        )
    token = API_KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        id=secrets.token_hex(4),
        name=name.strip(),
        role=role,
        token_sha256=hash_token(token),
        created_at=at,
        expires_at=expires_at,
    )
    records.add_key(key)
    return key, token
