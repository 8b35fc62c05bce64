"""A source whose rows come from a database, by a query with a key that only grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from growlearn.domain.printable import quote_name
from growlearn.domain.validation import STRICT, parse_duration_s, require

MAX_BATCH_ROWS = 1_000_000
_CONNECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MAX_QUERY_LENGTH = 100_000


def is_connection_name(name: str) -> bool:
    """Whether a connection may be called that.

    >>> is_connection_name("warehouse"), is_connection_name("postgresql://ann@db/orders")
    (True, False)
    """
    return _CONNECTION_NAME.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True)
class SqlQuery:
    """A query whose rows above the last `key` taken become the next files, of `batch_rows` rows each.

    With a `lag`, a row is taken once `time_column` (the key itself where it is a time) is that long ago, and
    no row behind it before: transactions that began earlier have ended by then.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    connection: str
    query: str
    key: str
    batch_rows: int = 10_000
    lag: str | None = None
    time_column: str | None = None

    def __post_init__(self) -> None:
        require(
            is_connection_name(self.connection),
            "connection is the name of one in the setting connections: lower-case letters, digits, '_' or"
            " '-', never an address, which may hold a password",
        )
        require(bool(self.query.strip()), "query must be a SELECT")
        require(len(self.query) <= _MAX_QUERY_LENGTH, f"query has {len(self.query):,} characters")
        require(bool(self.key.strip()), "key must name a column of the query")
        require(
            1 <= self.batch_rows <= MAX_BATCH_ROWS,
            f"batch_rows {self.batch_rows} must be 1 or more, at most {MAX_BATCH_ROWS:,}",
        )
        require(
            self.time_column is None or self.lag is not None,
            f"time_column {quote_name(self.time_column or '')} decides nothing without a lag",
        )
        if self.lag is not None:
            parse_duration_s(self.lag)

    @property
    def lag_s(self) -> float | None:
        """The lag in seconds."""
        return None if self.lag is None else parse_duration_s(self.lag)


@dataclass(frozen=True, kw_only=True)
class SqlSourceConfig:
    """Where new data arrives: in a table of a database."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    sql: SqlQuery

    @property
    def type(self) -> str:
        """The kind of source."""
        return "sql"

    @property
    def url(self) -> str:
        """What the URLs of its files begin with; it holds no address."""
        return f"sql://{self.sql.connection}/{self.sql.key.replace('/', '%2F')}"
