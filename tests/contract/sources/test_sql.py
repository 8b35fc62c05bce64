"""What a source of rows must do: a query, on SQLite and on PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.sources import open_source
from growlearn.adapters.sources.listing import warn_of_future
from growlearn.domain.errors import GrowLearnError, InvalidFile, TemporarilyUnreadable, Unavailable
from growlearn.domain.job import Job
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.sql_source import SqlQuery, SqlSourceConfig
from growlearn.domain.window import SourceFile, WindowState
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.ports import Source

QUERY = SqlQuery(connection="warehouse", query="SELECT id, x, y FROM orders", key="id", batch_rows=3)
SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y")


@dataclass
class Warehouse:
    """A table in a database, and a stream that reads it."""

    url: str
    engine: Engine
    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    artifacts: MemoryArtifacts = field(default_factory=MemoryArtifacts)
    schema: Schema = SCHEMA

    def execute(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement.replace(":", r"\:")))

    def add(self, *ids: int) -> None:
        for each in ids:
            self.execute(f"INSERT INTO orders (id, x, y) VALUES ({each}, {each}.5, {each % 2})")

    def open(self, query: SqlQuery = QUERY) -> Source:
        return open_source(SqlSourceConfig(sql=query), self.clock, (), {"warehouse": self.url})

    def listing(self, query: SqlQuery = QUERY) -> Sequence[SourceFile]:
        known = self.store.ingested_files("s") if self.store.streams() else ()
        return self.open(query).files(known)

    def read(self, query: SqlQuery = QUERY) -> list[list[Any]]:
        """The keys of each file that is listed."""
        source = self.open(query)
        return [table(source, file)[query.key] for file in self.listing(query)]

    def look(self, query: SqlQuery = QUERY) -> list[tuple[str, int]]:
        """The windows of one look of the stream, each with its state and its rows."""
        job = Job(name="s", source=SqlSourceConfig(sql=query), schema=self.schema)
        stream = self.store.apply(job, self.clock.now())
        results = ingest_new_files(stream, self.open(query), self.store, self.artifacts, self.clock)
        return [(window.state.value, window.rows) for result in results for window in result.windows]


def table(source: Source, file: SourceFile) -> dict[str, list[Any]]:
    (content,) = source.read(file).values()
    columns: dict[str, list[Any]] = pq.read_table(io.BytesIO(bytes(content))).to_pydict()
    return columns


@pytest.fixture(params=["sqlite", "postgresql"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    if request.param == "sqlite":
        file = str(tmp_path / "a %3F b.db")
        url, written = f"sqlite:///{file}", URL.create("sqlite", database=file)
    else:
        written = make_url(request.getfixturevalue("empty_postgres_url"))
        url = written.set(drivername="postgresql").render_as_string(hide_password=False)
    warehouse = Warehouse(url, create_engine(written, poolclass=NullPool))
    warehouse.execute(
        "CREATE TABLE orders (id bigint, x double precision, y int, day date, at timestamp, name text)"
    )
    yield warehouse
    warehouse.engine.dispose()


def test_rows_above_the_last_key_become_files_of_at_most_so_many_rows(warehouse: Warehouse) -> None:
    assert warehouse.listing() == ()
    warehouse.add(5, 1, 3, 4, 2, 9, 7)
    assert warehouse.read() == [[1, 2, 3], [4, 5, 7], [9]]
    assert [(file.url, file.fingerprint) for file in warehouse.listing()] == [
        ("sql://warehouse/id/from the start", "3"),
        ("sql://warehouse/id/after 3", "7"),
        ("sql://warehouse/id/after 7", "9"),
    ]
    assert list(warehouse.listing()) == list(warehouse.listing())


def test_a_row_is_taken_once(warehouse: Warehouse) -> None:
    warehouse.add(1, 2, 3, 4)
    assert warehouse.look() == [("accepted", 3), ("accepted", 1)]
    assert warehouse.look() == []
    warehouse.add(10, 11)
    assert warehouse.read() == [[10, 11]]
    assert warehouse.look() == [("accepted", 2)]
    assert (
        warehouse.look(replace(QUERY, query="SELECT * FROM orders")) == []
    )  # the same key of the same table


def test_two_processes_that_look_at_once_take_a_row_once(warehouse: Warehouse) -> None:
    """One listed before a row came, and records after the other has taken it."""
    warehouse.add(1, 2)
    warehouse.look()
    warehouse.add(3)
    (early,) = warehouse.listing()
    warehouse.add(4)
    source = warehouse.open()
    source.files = lambda known=(): (early,)  # type: ignore[method-assign]
    assert warehouse.look() == [("accepted", 2)]
    stream = warehouse.store.stream("s")
    seen = warehouse.store.ingested_files
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse.store, "ingested_files", lambda name: seen(name)[:1])
        patch.setattr("growlearn.ingest.history.IngestHistory.find_same_content", lambda *_: None)
        results = ingest_new_files(stream, source, warehouse.store, warehouse.artifacts, warehouse.clock)
    assert results == ()
    assert [file.fingerprint for file in warehouse.store.ingested_files("s")] == ["2", "4"]
    assert warehouse.listing() == ()


def test_a_row_with_a_smaller_key_than_the_last_one_is_never_taken(warehouse: Warehouse) -> None:
    """Without a lag; the documentation says so."""
    warehouse.add(1, 3)
    warehouse.look()
    warehouse.add(2)
    assert warehouse.listing() == ()


def test_with_a_lag_rows_wait_until_those_before_them_must_be_there(warehouse: Warehouse) -> None:
    query = replace(QUERY, lag="10m", time_column="at", query="SELECT id, x, y, at FROM orders")
    now = warehouse.clock.now()

    def add(key: int, minutes_ago: float | None) -> None:
        at = now - timedelta(minutes=minutes_ago or 0)
        value = "NULL" if minutes_ago is None else f"'{at:%Y-%m-%d %H:%M:%S}'"
        warehouse.execute(f"INSERT INTO orders (id, x, y, at) VALUES ({key}, 1, 1, {value})")

    for key, minutes_ago in ((1, 30), (2, None), (4, 5), (5, 20)):
        add(key, minutes_ago)
    assert warehouse.read(query) == [[1, 2]]
    assert warehouse.look(query) == [("accepted", 2)]
    add(3, 6)  # committed late
    assert warehouse.read(query) == []
    warehouse.clock.advance(300)
    assert warehouse.read(query) == [[3, 4, 5]]


def test_a_time_is_its_own_time_column_and_rows_that_share_a_key_come_together(warehouse: Warehouse) -> None:
    query = replace(QUERY, lag="1h", key="at", query="SELECT at, x, y FROM orders")
    now = warehouse.clock.now()
    for hours_ago, count in ((5, 2), (4, 3), (3, 1), (0.5, 2)):
        at = now - timedelta(hours=hours_ago)
        for _ in range(count):
            warehouse.execute(f"INSERT INTO orders (at, x, y) VALUES ('{at:%Y-%m-%d %H:%M:%S}', 1, 1)")
    assert [len(keys) for keys in warehouse.read(query)] == [5, 1]
    warehouse.look(query)
    warehouse.clock.advance(3600)
    assert [len(keys) for keys in warehouse.read(query)] == [2]


def test_more_rows_of_one_key_than_a_file_may_have_are_told(warehouse: Warehouse) -> None:
    warehouse.add(*[1] * 7)
    (file,) = warehouse.listing()
    with pytest.raises(InvalidFile, match="more than 6 rows come at once, because they share one key"):
        warehouse.open().read(file)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("name", ["'a/b'", "'b''c'", "'c:d %s \"'", "'ü'"]),
        ("day", ["'2026-01-01'", "'2026-01-02'", "'2026-01-03'", "'2026-01-04'"]),
        (
            "at",
            [
                "'2026-01-01 00:00:00'",
                "'2026-01-01 00:00:00.5'",
                "'2026-01-02 00:00:00'",
                "'2027-01-01 00:00:00'",
            ],
        ),
    ],
)
def test_keys_may_be_texts_and_times(warehouse: Warehouse, column: str, values: list[str]) -> None:
    query = replace(QUERY, key=column, query=f"SELECT {column}, x, y FROM orders;", batch_rows=1)
    for value in values[:3]:
        warehouse.execute(f"INSERT INTO orders ({column}, x, y) VALUES ({value}, 1, 1)")
    assert [len(keys) for keys in warehouse.read(query)] == [1, 1, 1]
    warehouse.look(query)
    warehouse.execute(f"INSERT INTO orders ({column}, x, y) VALUES ({values[3]}, 1, 1)")
    (keys,) = warehouse.read(query)
    assert len(keys) == 1
    assert "/" not in warehouse.listing(query)[0].url.removeprefix(f"sql://warehouse/{column}/")


def test_a_query_may_hold_what_a_driver_would_read_as_parameters(warehouse: Warehouse) -> None:
    warehouse.add(1)
    query = "SELECT id, x, y, 'a :b %s %%' AS note FROM orders -- the end"
    (file,) = warehouse.listing(replace(QUERY, query=query))
    assert table(warehouse.open(replace(QUERY, query=query)), file)["note"] == ["a :b %s %%"]


def test_a_malformed_row_is_quarantined_with_its_reason(warehouse: Warehouse) -> None:
    warehouse.add(1, 2, 4)
    warehouse.execute("INSERT INTO orders (id, x, y) VALUES (3, 'Infinity', 1)")
    assert warehouse.look(replace(QUERY, batch_rows=10)) == [("accepted", 3)]
    (bad,) = warehouse.store.bad_rows("s", "w1")
    assert bad.row == 2
    assert bad.reason.startswith("x is ")


@pytest.mark.parametrize("warehouse", ["sqlite"], indirect=True)
def test_a_text_among_numbers_is_quarantined_alone(warehouse: Warehouse) -> None:
    warehouse.add(1, 2, 4)
    warehouse.execute("INSERT INTO orders (id, x, y) VALUES (3, 'abc', 1)")
    assert warehouse.look(replace(QUERY, batch_rows=10)) == [("accepted", 3)]
    (bad,) = warehouse.store.bad_rows("s", "w1")
    assert (bad.row, bad.reason) == (2, "x is not a number: 'abc'")


def test_rows_without_a_key_are_counted_and_told(warehouse: Warehouse) -> None:
    warehouse.add(1)
    warehouse.execute("INSERT INTO orders (x, y) VALUES (1, 1), (2, 1)")
    assert warehouse.look() == [("quarantined", 0), ("accepted", 1)]
    (window,) = warehouse.store.windows("s", [WindowState.QUARANTINED])
    assert "2 rows of source.sql.query have no id, its key" in str(window.reason)
    assert warehouse.look() == []


def test_a_file_that_no_row_could_be_used_of_is_read_again_with_another_schema(warehouse: Warehouse) -> None:
    warehouse.add(1, 2, 3, 4)
    warehouse.schema = Schema(inputs={"z": InputColumn(type=InputType.NUMBER)}, label="y")
    assert warehouse.look() == [("quarantined", 0), ("quarantined", 0)]
    assert warehouse.look() == []
    warehouse.schema = SCHEMA
    assert warehouse.look() == [("accepted", 3), ("accepted", 1)]
    warehouse.add(5)
    assert warehouse.look() == [("accepted", 1)]


def test_rows_deleted_since_they_were_listed_have_vanished(warehouse: Warehouse) -> None:
    warehouse.add(1)
    (file,) = warehouse.listing()
    warehouse.execute("DELETE FROM orders")
    with pytest.raises(TemporarilyUnreadable, match="deleted between listing and reading"):
        warehouse.open().read(file)


def test_nothing_can_be_written_through_it(warehouse: Warehouse) -> None:
    warehouse.add(1)
    query = "SELECT id FROM orders) AS a; DELETE FROM orders; SELECT * FROM (SELECT 1 AS id"
    with pytest.raises(GrowLearnError):
        warehouse.listing(replace(QUERY, query=query))
    with pytest.raises(GrowLearnError):
        warehouse.listing(replace(QUERY, query="DELETE FROM orders RETURNING id"))
    assert warehouse.read() == [[1]]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (replace(QUERY, query="SELECT id FROM nowhere"), "nowhere"),
        (replace(QUERY, query="SELECT FROM WHERE"), "syntax error"),
        (
            replace(QUERY, query="SELECT x AS id, y FROM orders"),
            "key 'id' of source.sql has a value of type float",
        ),
        (
            replace(QUERY, lag="1h"),
            r"source.sql.lag needs a time, and 'id' holds '1' \(let source.sql.time_column",
        ),
    ],
)
def test_a_query_that_does_not_fit_is_told(warehouse: Warehouse, query: SqlQuery, reason: str) -> None:
    warehouse.add(1)
    with pytest.raises(GrowLearnError, match=reason):
        warehouse.listing(query)


def test_a_key_that_the_query_does_not_give_is_told(warehouse: Warehouse) -> None:
    warehouse.add(1)
    with pytest.raises(GrowLearnError, match=r"connection 'warehouse' .*no_such_key"):
        warehouse.listing(replace(QUERY, key="no_such_key"))


def test_a_database_that_is_away_is_told_without_its_password(warehouse: Warehouse) -> None:
    warehouse.add(1)
    (file,) = warehouse.listing()
    away = {
        "sqlite": "sqlite:////nowhere/at/all.db",
        "postgresql": "postgresql://ann:geheim@127.0.0.1:1/orders",
    }[warehouse.engine.dialect.name]
    source = open_source(SqlSourceConfig(sql=QUERY), warehouse.clock, (), {"warehouse": away})
    with pytest.raises(
        Unavailable, match=r"connection 'warehouse' cannot be read: .*\(is the database"
    ) as told:
        source.files()
    assert "geheim" not in str(told.value)
    with pytest.raises(TemporarilyUnreadable):
        source.read(file)


def test_a_cell_that_is_no_text_costs_its_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    warehouse = Warehouse(f"sqlite:///{file}", create_engine(f"sqlite:///{file}", poolclass=NullPool))
    warehouse.execute("CREATE TABLE orders (id bigint, x double precision, y int, name text)")
    warehouse.add(1, 2, 3, 4, 5)
    warehouse.execute("UPDATE orders SET name = cast(x'e9' as text) WHERE id = 2")
    query = replace(QUERY, query="SELECT id, x, y, name FROM orders")
    assert warehouse.look(query) == [("quarantined", 0), ("accepted", 2)]
    assert "Could not decode to UTF-8" in (warehouse.store.windows("s")[0].reason or "")
    warehouse.add(6)
    assert warehouse.look(query)[-1] == ("accepted", 1)
    warehouse.engine.dispose()


def test_a_row_of_the_future_is_told(warehouse: Warehouse, caplog: pytest.LogCaptureFixture) -> None:
    warn_of_future.cache_clear()  # it says so once a process
    query = replace(QUERY, query="SELECT id, x, y, at FROM orders", lag="1m", time_column="at")
    warehouse.add(1)
    warehouse.execute("UPDATE orders SET at = '2999-01-01 00:00:00'")
    assert warehouse.listing(query) == ()
    assert "is dated 2999-01-01 00:00:00 UTC, in the future, and waits until then" in caplog.text
