"""Keys and answered requests of the HTTP API in a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from growlearn.adapters.db.engine import connect, read_transaction, write_transaction
from growlearn.adapters.db.mapping import from_row, get_columns, select_all, to_row
from growlearn.adapters.db.revision import require_head_revision
from growlearn.adapters.db.tables import ApiKeyRow, ApiRequestRow
from growlearn.domain.api_key import ApiKey, ApiRequest
from growlearn.domain.errors import NotFound


def open_db_api_records(url: str) -> DbApiRecords:
    """Those of the database at a URL; raises GrowLearnError where its tables are not the newest."""
    require_head_revision(url)
    return DbApiRecords(connect(url))


class DbApiRecords:
    """Every method is one transaction; may be shared by threads. See ports.ApiRecords for each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        with write_transaction(self._engine) as connection:
            connection.execute(insert(ApiKeyRow).values(to_row(key)))

    def keys(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        with read_transaction(self._engine) as connection:
            keys = select_all(connection, ApiKey, ApiKeyRow, ApiKeyRow.id)
        return tuple(sorted(keys, key=lambda key: (key.created_at, key.id)))

    def find_key(self, token_sha256: str) -> ApiKey | None:
        """The key with that hash."""
        with read_transaction(self._engine) as connection:
            keys = select_all(
                connection, ApiKey, ApiKeyRow, ApiKeyRow.id, ApiKeyRow.token_sha256 == token_sha256
            )
        return next(iter(keys), None)

    def revoke_key(self, key_id: str, at: datetime) -> ApiKey:
        """Revoke a key, once; raises NotFound."""
        with write_transaction(self._engine) as connection:
            is_valid = (ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
            connection.execute(update(ApiKeyRow).where(*is_valid).values(revoked_at=at))
            keys = select_all(connection, ApiKey, ApiKeyRow, ApiKeyRow.id, ApiKeyRow.id == key_id)
        if not keys:
            raise NotFound(f"there is no key {key_id!r}", hint="see: growlearn keys list")
        return keys[0]

    def claim_request(self, request: ApiRequest, stale_before: datetime) -> ApiRequest | None:
        """None where the caller is to answer it now; else the one that was stored before."""
        with write_transaction(self._engine) as connection:
            if _insert_request(connection, request):
                return None
            is_stale = (
                ApiRequestRow.key == request.key,
                ApiRequestRow.status.is_(None),
                ApiRequestRow.started_at < stale_before,
            )
            if connection.execute(update(ApiRequestRow).where(*is_stale).values(to_row(request))).rowcount:
                return None
            query = select(*get_columns(ApiRequest, ApiRequestRow)).where(ApiRequestRow.key == request.key)
            return from_row(ApiRequest, connection.execute(query).one())

    def finish_request(self, key: str, status: int, body: str) -> None:
        """Store the answer to a claimed request."""
        with write_transaction(self._engine) as connection:
            answered = update(ApiRequestRow).where(ApiRequestRow.key == key)
            connection.execute(answered.values(status=status, body=body))

    def drop_request(self, key: str) -> None:
        """Forget a claimed request that changed nothing."""
        with write_transaction(self._engine) as connection:
            connection.execute(delete(ApiRequestRow).where(ApiRequestRow.key == key))

    def prune_requests(self, before: datetime) -> None:
        """Forget the requests that were begun before."""
        with write_transaction(self._engine) as connection:
            connection.execute(delete(ApiRequestRow).where(ApiRequestRow.started_at < before))


def _insert_request(connection: Connection, request: ApiRequest) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(insert(ApiRequestRow).values(to_row(request)))
    except IntegrityError:
        return False
    return True
