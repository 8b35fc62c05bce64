"""A query of a database: its rows above the last key taken are the next files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    bindparam,
    column,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.types import NullType

from growlearn.adapters.sources.listing import MAX_CLOCK_SKEW_S, warn_of_future
from growlearn.adapters.sources.sql_connection import make_engine, read_from
from growlearn.adapters.sources.sql_keys import (
    KeyRange,
    decode_key,
    decode_range,
    encode_key,
    find_ranges,
    to_utc,
)
from growlearn.adapters.sources.sql_rows import collect_rows, make_file
from growlearn.domain.errors import InvalidFile, TemporarilyUnreadable, Unavailable, VanishedFile
from growlearn.domain.sql_source import SqlSourceConfig
from growlearn.domain.window import FileRecord, SourceFile
from growlearn.ports import Clock

_MAX_FILES = 100
"""Of one look: a long backlog is taken in several."""
_FETCH_ROWS = 1_000
_NO_KEY = "rows without a key"


class SqlSource:
    """Each file is a range of keys: its URL says where it begins, its fingerprint where it ends.

    Both are recorded with the rows in one transaction, so the next file begins where the last one ended, and
    no key is taken twice. Rows whose key is null are counted, and never read.
    """

    def __init__(self, spec: SqlSourceConfig, clock: Clock, database_url: str) -> None:
        self._query = spec.sql
        self._engine = make_engine(spec.sql.connection, database_url)
        self._base_url = spec.url
        self._clock = clock

    def files(self, known: Sequence[FileRecord] = ()) -> Sequence[SourceFile]:
        """The next ranges, after those known of which no row could be used: another schema may read them."""
        ranges = find_ranges(known, self._base_url)
        after = ranges[-1][0].last if ranges else None
        unusable = [key_range for key_range, record in ranges if record.rows == 0]
        with read_from(self._engine, self._query.connection) as connection:
            without_key = self._count_without_key(connection)
            new = list(self._list_ranges(connection, after))
        files = [self._make_file(key_range) for key_range in (*unusable, *new)]
        return (*self._reject(without_key), *files)

    def read(self, file: SourceFile) -> Mapping[str, bytes]:
        """The rows of a range, in the order of their keys, as one file."""
        if file.reject_reason:
            raise InvalidFile(file.reject_reason)
        name = file.url.removeprefix(f"{self._base_url}/")
        key_range = decode_range(name, file.fingerprint)
        try:
            names, columns = self._read_range(key_range)
        except Unavailable as error:
            raise TemporarilyUnreadable(error.message) from ConnectionError(error.message)
        if not columns or not columns[0]:
            raise VanishedFile(f"the rows {name} were deleted between listing and reading")
        return make_file(names, columns)

    def _read_range(self, key_range: KeyRange) -> tuple[list[str], list[list[Any]]]:
        rows, key = self._select_from(self._query.key)
        query: Select[Any] = (
            select(literal_column("*"))
            .select_from(rows)
            .where(*_above(key, key_range.after), key <= _bind("last", key_range.last))
            .order_by(key)
        )
        max_rows = 2 * self._query.batch_rows  # rows that share the last key come along
        with (
            read_from(self._engine, self._query.connection) as connection,
            connection.execution_options(yield_per=_FETCH_ROWS).execute(query.limit(max_rows + 1)) as result,
        ):
            names = list(result.keys())
            return names, collect_rows(names, result, max_rows)

    def _list_ranges(self, connection: Connection, after: str | None) -> Iterator[KeyRange]:
        for _ in range(_MAX_FILES):
            page = connection.execute(self._make_page_query(after)).all()
            settled = self._drop_young(page)
            if not settled:
                return
            yield (key_range := KeyRange(after, encode_key(settled[-1][0], self._query.key)))
            if len(settled) < self._query.batch_rows:
                return
            after = key_range.last

    def _make_page_query(self, after: str | None) -> Select[Any]:
        time_column = self._query.time_column or self._query.key
        rows, key = self._select_from(self._query.key, time_column)
        return (
            select(key, rows.c[time_column])
            .where(*_above(key, after), key.is_not(None))
            .order_by(key)
            .limit(self._query.batch_rows)
        )

    def _drop_young(self, page: Sequence[Any]) -> Sequence[Any]:
        """The rows before the first one that is younger than the lag, and before those that share its key."""
        if self._query.lag_s is None:
            return page
        newest = self._clock.now() - timedelta(seconds=self._query.lag_s)
        young = next((row[0] for row in page if self._is_younger(row[1], newest)), None)
        if young is None:
            return page
        return page[: next(index for index, row in enumerate(page) if row[0] == young)]

    def _is_younger(self, value: Any, newest: datetime) -> bool:
        if value is None:
            return False
        at = to_utc(value, self._query.time_column or self._query.key)
        if at > self._clock.now() + timedelta(seconds=MAX_CLOCK_SKEW_S):
            warn_of_future(f"a row of {self._base_url}", f"{at:%Y-%m-%d %H:%M:%S}")
        return at > newest

    def _count_without_key(self, connection: Connection) -> int:
        rows, key = self._select_from(self._query.key)
        count = select(func.count()).select_from(rows).where(key.is_(None))
        return connection.execute(count).scalar_one()

    def _reject(self, without_key: int) -> Iterator[SourceFile]:
        if without_key:
            yield SourceFile(
                url=f"{self._base_url}/{_NO_KEY}",
                fingerprint=str(without_key),
                size_bytes=0,
                reject_reason=f"{without_key:,} rows of source.sql.query have no {self._query.key}, its key",
            )

    def _make_file(self, key_range: KeyRange) -> SourceFile:
        return SourceFile(
            url=f"{self._base_url}/{key_range.name}",
            fingerprint=key_range.last,
            size_bytes=0,
            taken_once=True,
        )

    def _select_from(self, key: str, *others: str) -> tuple[Subquery, ColumnElement[Any]]:
        """The job's query as a table, and its key."""
        statement = self._query.query.strip().rstrip(";").replace(":", r"\:")
        names = dict.fromkeys((key, *others))
        rows = text(f"{statement}\n").columns(*map(column, names)).subquery("source_rows")
        return rows, rows.c[key]


def _above(key: ColumnElement[Any], after: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if after is None else (key > _bind("after", after),)


def _bind(name: str, encoded: str) -> Any:
    """A value whose type the database takes from the column that it is compared with."""
    return bindparam(name, decode_key(encoded), type_=NullType())
