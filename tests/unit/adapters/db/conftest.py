"""Migrated databases of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from growlearn.adapters.db.engine import connect_to_look
from growlearn.adapters.db.migrate import upgrade


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/a 100%?.db"
    upgrade(url)
    return url


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    upgrade(empty_postgres_url)
    return empty_postgres_url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def looking(url: str) -> Iterator[Engine]:
    """The same database, to be looked at only."""
    engine = connect_to_look(url)
    yield engine
    engine.dispose()
