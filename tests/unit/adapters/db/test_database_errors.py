"""Which errors of a database may pass by themselves."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import QueuePool

from growlearn.adapters.db import engine as engine_module
from growlearn.adapters.db.engine import connect, connect_readonly, read_transaction, write_transaction
from growlearn.domain.errors import DatabaseUnavailable, GrowLearnError

ONE = text("SELECT 1")


def fail(engine: Engine, statement: str = "SELECT 1") -> type[BaseException]:
    with pytest.raises(GrowLearnError) as caught, write_transaction(engine) as connection:
        connection.execute(text(statement))
    engine.dispose()
    return caught.type


def test_a_server_that_is_not_there_may_come_back() -> None:
    assert fail(connect("postgresql://ann:pw@127.0.0.1:1/growlearn")) is DatabaseUnavailable


def test_a_file_that_another_program_holds_may_be_let_go(tmp_path: Path) -> None:
    file = tmp_path / "held.db"
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 0})
    with sqlite3.connect(file, isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert fail(engine, "CREATE TABLE t (x)") is DatabaseUnavailable


def test_a_file_that_is_no_database_is_away(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"not a database" * 100)
    assert fail(connect(f"sqlite:///{tmp_path / 'no.db'}")) is DatabaseUnavailable


def test_connections_that_are_all_in_use_come_back() -> None:
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with engine.connect(), pytest.raises(DatabaseUnavailable), read_transaction(engine) as connection:
        connection.execute(ONE)
    engine.dispose()


def test_what_a_server_refuses_it_would_refuse_again(postgres: Engine) -> None:
    engine = create_engine(postgres.url)
    assert fail(engine, "SELECT nothing FROM nowhere") is GrowLearnError
    assert fail(engine, "SELECT 10000000000::int") is GrowLearnError


@pytest.mark.parametrize("open_engine", [connect, connect_readonly])
def test_a_server_that_takes_a_connection_and_says_nothing_is_given_up(
    open_engine: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine_module._POSTGRESQL_TIMEOUTS, "connect_timeout", 2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        engine = open_engine(f"postgresql://ann@127.0.0.1:{mute.getsockname()[1]}/growlearn")
        with pytest.raises(DatabaseUnavailable, match="timeout"), read_transaction(engine):
            pytest.fail("it is connected")
        engine.dispose()
