"""Writes what a database of this version holds: `pytest tests/migration/make_released_database.py`.

A stream of handwritten digits is grown for two tasks, as in production; then comes what schedulers, workers,
people and the API write. The test of upgrades loads the file, so a file of a release stays as it is.
"""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from growlearn import __version__
from growlearn.adapters.db.api_records import open_db_api_records
from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.api.keys import create_key
from growlearn.domain.api_key import Role
from growlearn.domain.process import ProcessKind, ProcessRecord
from growlearn.domain.window import BadRow, IngestResult, SourceFile, Window, WindowState
from growlearn.ports import Store
from tests.unit.consolidated import JOB, World
from tests.unit.in_memory import make_ports

FILE = Path(__file__).with_name(f"growlearn-{__version__}.sql")


def test_grow_and_fill_and_dump(tmp_path: Path) -> None:
    """No test, but pytest finds what it imports; it is run by its name alone."""
    database = tmp_path / "growlearn.db"
    url = f"sqlite:///{database}"
    upgrade_database(url)
    with open_db_store(url) as store:
        _grow(tmp_path / "home", store)
    with closing(open_db_api_records(url)) as records:
        create_key(records, "ada", Role.OPERATOR, ManualClock().now())
    FILE.write_text("\n".join(_dump(database)) + "\n", encoding="utf-8")


def _grow(folder: Path, store: Store) -> None:
    """Two tasks, what is around them, and a window with a bad row that a worker holds."""
    folder.mkdir()
    world = World(folder)
    at = world.clock.now()
    world.store = store  # type: ignore[assignment]
    world.ports = make_ports(folder, world.clock, store, world.artifacts, world.source)
    store.apply(JOB, at)
    world.send("a", "b")
    world.run()
    store.set_paused("digits", True, at, "ada")
    store.set_paused("digits", False, at, "ada")
    store.claim_ticks({"digits": at})
    store.record_removed_files("digits", ["0" * 64], at)
    store.record_heartbeat(
        ProcessRecord(
            id="worker-1", kind=ProcessKind.WORKER, host="host", pid=1, version=__version__, started_at=at,
            heartbeat_at=at,
        )
    )  # fmt: skip
    number = len(store.windows("digits")) + 1
    window = Window(
        stream="digits", number=number, state=WindowState.ACCEPTED, source="late.parquet", discovered_at=at,
        updated_at=at, rows=10, quarantined_rows=1, snapshot="5" * 64,
    )  # fmt: skip
    store.record_ingest(
        IngestResult(
            stream="digits", file=SourceFile(url="late.parquet", fingerprint="1", size_bytes=1),
            sha256="f" * 64, schema="0" * 16, rows=11, windows=(window,),
            bad_rows=(BadRow(row=7, reason="x is NaN", window=window.id),), at=at,
        )
    )  # fmt: skip
    store.claim("digits", "ada", at, 60)


def _dump(database: Path) -> Iterator[str]:
    with closing(sqlite3.connect(database)) as connection:
        for line in connection.iterdump():
            yield line.replace(platform.platform(), "Linux")  # it says more of the machine than is needed
