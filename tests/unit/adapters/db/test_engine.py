"""A read-only connection to a database leaves everything as it was, whatever its state."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from growlearn.adapters.db.engine import (
    connect,
    connect_readonly,
    get_sqlite_path,
    parse_database_url,
    read_transaction,
    write_transaction,
)
from growlearn.domain.errors import GrowLearnError

_COUNT = text("SELECT count(*) FROM growlearn_streams")
_FORGET = text("DELETE FROM growlearn_streams")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def look(url: str) -> int:
    engine = connect_readonly(url)
    with read_transaction(engine) as connection:
        count: int = connection.execute(_COUNT).scalar_one()
    engine.dispose()
    return count


def file_of(url: str) -> Path:
    file = get_sqlite_path(parse_database_url(url))
    assert file is not None
    return file


def test_nothing_can_be_written_through_it(readonly_engine: Engine) -> None:
    with pytest.raises(GrowLearnError, match=r"read-?only"), write_transaction(readonly_engine) as connection:
        connection.execute(_FORGET)
    with read_transaction(readonly_engine) as connection:
        assert connection.execute(_COUNT).scalar_one() == 0


def test_a_database_at_rest_keeps_every_byte_and_gets_no_file_beside_it(sqlite_url: str) -> None:
    folder = file_of(sqlite_url).parent
    before = content(folder)

    assert look(sqlite_url) == 0

    assert content(folder) == before


def test_what_a_killed_writer_left_in_the_log_is_seen_and_left_there(sqlite_url: str, tmp_path: Path) -> None:
    engine = connect(sqlite_url)
    with write_transaction(engine) as connection:
        row = "INSERT INTO growlearn_streams (name, job, created_at) VALUES ('s', '{}', '')"
        connection.execute(text(row))
    killed = tmp_path / "killed"
    shutil.copytree(file_of(sqlite_url).parent, killed, ignore=lambda *_: ["killed"])
    engine.dispose()
    url = f"sqlite:///{killed / file_of(sqlite_url).name}"
    logged = {name: each for name, each in content(killed).items() if not name.endswith("-shm")}
    assert any(name.endswith("-wal") for name in logged)

    assert look(url) == 1

    assert {name: content(killed)[name] for name in logged} == logged


def test_a_log_is_not_begun_in_a_file_that_has_none(tmp_path: Path) -> None:
    file = tmp_path / "plain.db"
    file.touch()
    engine = connect_readonly(f"sqlite:///{file}")
    with read_transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one() == 0
    engine.dispose()
    assert content(tmp_path) == {"plain.db": b""}


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match="unable to open"):
        look(f"sqlite:///{tmp_path}/none.db")
    assert os.listdir(tmp_path) == []
