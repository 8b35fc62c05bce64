"""A database that cannot be written, and a disk without room for it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from growlearn.adapters.db import engine as db
from growlearn.adapters.db import readonly
from growlearn.adapters.db.engine import connect, read_transaction, write_transaction
from growlearn.domain.errors import DiskFull, GrowLearnError, Unavailable

_COUNT = text("SELECT count(*) FROM t")
_INSERT = text("INSERT INTO t VALUES (randomblob(1000000))")


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so that the file system is not asked."""
    for module in (db, readonly):
        monkeypatch.setattr(module, "may_write", lambda _: False)


def leave(folder: Path, *suffixes: str) -> Path:
    """A database of three rows as a killed process leaves it, the third row only in the log."""
    file = folder / "made" / "a b%41?.db"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1), (2)")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("INSERT INTO t VALUES (3)")
        connection.commit()
        for suffix in ("", *suffixes):
            shutil.copy(f"{file}{suffix}", f"{folder / file.name}{suffix}")
    return folder / file.name


def count_rows(connection: sqlite3.Connection) -> int:
    with closing(connection):
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


@pytest.mark.usefixtures("unwritable")
@pytest.mark.parametrize(
    ("suffixes", "rows"),
    [((), 2), (("-wal",), 3), (("-wal", "-shm"), 3)],
    ids=["none", "log", "log and index"],
)
def test_a_file_on_a_read_only_disk_is_read_with_its_log(
    tmp_path: Path, suffixes: tuple[str, ...], rows: int
) -> None:
    file = leave(tmp_path, *suffixes)
    assert count_rows(readonly.open_readonly(file, 1)) == rows


@pytest.mark.usefixtures("unwritable")
def test_a_log_whose_index_cannot_be_made_is_read_from_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = leave(tmp_path, "-wal")
    before = {path: path.read_bytes() for path in tmp_path.glob("a b*")}
    real = readonly._connect

    def fail_beside_a_log(file: Path, options: str, timeout_s: float) -> sqlite3.Connection:
        if options == "mode=ro":
            raise sqlite3.OperationalError("unable to open database file")
        return real(file, options, timeout_s)

    monkeypatch.setattr(readonly, "_connect", fail_beside_a_log)
    assert count_rows(readonly.open_readonly(file, 1)) == 3
    assert {path: path.read_bytes() for path in tmp_path.glob("a b*")} == before


@pytest.mark.usefixtures("unwritable")
@pytest.mark.parametrize("suffixes", [(), ("-wal",)])
def test_a_write_to_it_is_refused_with_a_hint(
    tmp_path: Path, suffixes: tuple[str, ...], make_url: Callable[[Path], str]
) -> None:
    engine = connect(make_url(leave(tmp_path, *suffixes)))
    with read_transaction(engine) as connection:
        assert connection.scalar(_COUNT) == 2 + len(suffixes)
    with (
        pytest.raises(GrowLearnError, match=r"readonly database \(it can be read here; to change it"),
        write_transaction(engine) as connection,
    ):
        connection.execute(_INSERT)
    engine.dispose()


@pytest.fixture
def make_url() -> Callable[[Path], str]:
    """A URL of a database file, renamed so that the URL needs no quoting."""

    def make(file: Path) -> str:
        for path in file.parent.glob("a b*"):
            path.rename(path.with_name(path.name.replace(file.name, "plain.db")))
        return f"sqlite:///{file.with_name('plain.db')}"

    return make


def overfill(engine: Engine) -> None:
    with write_transaction(engine) as connection:
        connection.execute(text("PRAGMA max_page_count = 10"))  # as a disk with room for no more
        connection.execute(_INSERT)


def test_sqlite_s_words_for_a_full_disk_become_a_full_disk_and_nothing_is_lost(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'a.db'}")
    with write_transaction(engine) as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
    with pytest.raises(DiskFull, match=r"the disk is full: database sqlite:.* \(free space there") as full:
        overfill(engine)
    assert isinstance(full.value, Unavailable)  # so that no window is blamed for it
    with read_transaction(engine) as connection:
        assert connection.scalar(_COUNT) == 1
    engine.dispose()


def test_a_file_in_a_folder_that_cannot_be_written_counts_as_unwritable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.db"
    file.touch()
    assert readonly.may_write(file)
    for unwritable in (file, tmp_path):
        monkeypatch.setattr(os, "access", lambda path, _mode, no=unwritable: path != no)
        assert not readonly.may_write(file)
