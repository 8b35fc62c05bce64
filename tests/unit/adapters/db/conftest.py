"""Migrated databases of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from growlearn.adapters.db.engine import connect_readonly
from growlearn.adapters.db.migrate import upgrade_database


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/a 100%?.db"
    upgrade_database(url)
    return url


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    upgrade_database(empty_postgres_url)
    return empty_postgres_url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    database_url: str = request.getfixturevalue(f"{request.param}_url")
    return database_url


@pytest.fixture
def readonly_engine(url: str) -> Iterator[Engine]:
    """The same database, opened read-only."""
    engine = connect_readonly(url)
    yield engine
    engine.dispose()
