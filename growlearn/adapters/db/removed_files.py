"""Which stored files retention removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from growlearn.adapters.db.mapping import lock_existing_stream
from growlearn.adapters.db.tables import RemovedFileRow

_BATCH = 500  # parameters of one statement


def record_removed_files(connection: Connection, stream: str, digests: Sequence[str], at: datetime) -> None:
    """Note them; a file removed before and stored again since gets the new time."""
    lock_existing_stream(connection, stream)
    for start in range(0, len(digests), _BATCH):
        batch = digests[start : start + _BATCH]
        old = (RemovedFileRow.stream == stream, RemovedFileRow.sha256.in_(batch))
        connection.execute(delete(RemovedFileRow).where(*old))
        connection.execute(
            insert(RemovedFileRow), [{"stream": stream, "sha256": digest, "at": at} for digest in batch]
        )


def list_removed_files(connection: Connection, stream: str) -> Mapping[str, datetime]:
    """When each file was removed, by its sha256."""
    query = select(RemovedFileRow.sha256, RemovedFileRow.at).where(RemovedFileRow.stream == stream)
    return {row.sha256: row.at for row in connection.execute(query)}
