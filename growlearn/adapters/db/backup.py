"""A copy of a SQLite database, taken while others write to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from growlearn.adapters.db import engine as db
from growlearn.adapters.db.readonly import open_readonly
from growlearn.domain.errors import GrowLearnError, make_write_error


def backup_sqlite(url: str, target: Path) -> None:
    """Copy the whole database into one new file: one state of it, with what its log holds.

    The file appears complete or not at all. Raises GrowLearnError for a file that exists, for a database
    that is damaged or not there, and for another kind, whose own program makes backups.
    """
    file = db.get_sqlite_path(db.parse_database_url(url))
    if file is None:
        raise GrowLearnError(
            "this database is a server's, which has a program of its own for backups",
            hint="use pg_dump, see docs/how-to/backup.md",
        )
    if not file.exists():
        raise GrowLearnError(f"there is no database at {file}", hint="run: growlearn doctor")
    if target.exists():
        raise GrowLearnError(f"{target} exists", hint="name a file that does not exist yet")
    part = target.with_name(f".{target.name}.part")
    try:
        with (
            closing(open_readonly(file, db.BUSY_TIMEOUT_S)) as source,
            closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(copy)
            outcome: str = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if outcome != "ok":
            raise GrowLearnError(f"{file} is damaged: {outcome}", hint="restore an earlier backup")
        _sync(part)
        part.replace(target)
    except sqlite3.Error as error:
        raise GrowLearnError(
            f"{file} cannot be copied to {target}: {error}",
            hint="is there room, and may this user write there?",
        ) from error
    except OSError as error:
        raise make_write_error(target, error, "check the folder") from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
