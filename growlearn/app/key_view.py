"""Keys of the HTTP API as plain data with the documented keys; never their hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from growlearn.domain.api_key import ApiKey


def keys_view(keys: Sequence[ApiKey]) -> Mapping[str, Any]:
    """Every key, oldest first: `keys`."""
    return {"keys": [key_view(key) for key in keys]}


def key_view(key: ApiKey) -> Mapping[str, Any]:
    """One key."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "created_at": key.created_at.isoformat(),
        "expires_at": _format_time(key.expires_at),
        "revoked_at": _format_time(key.revoked_at),
    }


def _format_time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
