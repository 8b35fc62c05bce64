"""A SQLite file opened so that nothing changes: not the file, not its log, not their folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote_from_bytes

_LOG_SUFFIX = "-wal"


def may_write(file: Path) -> bool:
    """Whether this process may write the file, and its log beside it."""
    return os.access(file, os.W_OK) and os.access(file.absolute().parent, os.W_OK | os.X_OK)


def open_readonly(file: Path, timeout_s: float) -> sqlite3.Connection:
    """A connection that writes nothing, also where nothing can be written; raises sqlite3.Error.

    With mode rw, SQLite removes the log when its last connection closes; with mode ro, it leaves a log where
    there was none. So ro is used only where a log exists. On a read-only disk it can open neither.
    """
    if file.exists() and not may_write(file):
        return _open_on_readonly_disk(file, timeout_s)
    has_log = file.with_name(file.name + _LOG_SUFFIX).exists()
    return _connect(file, "mode=ro" if has_log else "mode=rw", timeout_s)


def _open_on_readonly_disk(file: Path, timeout_s: float) -> sqlite3.Connection:
    """The file with what its log holds; without a log nobody can be writing, so no lock is needed."""
    log = file.with_name(file.name + _LOG_SUFFIX)
    if not log.exists() or log.stat().st_size == 0:
        return _connect(file, "mode=ro&immutable=1", timeout_s)
    try:
        connection = _connect(file, "mode=ro", timeout_s)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:  # the log's index is missing and cannot be made there
        return _copy_into_memory(file, log)
    return connection


def _connect(file: Path, options: str, timeout_s: float) -> sqlite3.Connection:
    address = f"file:{quote_from_bytes(os.fsencode(file.absolute()))}?{options}"
    connection = sqlite3.connect(
        address, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _copy_into_memory(file: Path, log: Path) -> sqlite3.Connection:
    with tempfile.TemporaryDirectory() as folder:
        for source in (file, log):
            shutil.copyfile(source, Path(folder, source.name))
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with closing(sqlite3.connect(Path(folder, file.name))) as copy:
            copy.backup(memory)
    memory.execute("PRAGMA query_only = ON")
    return memory
