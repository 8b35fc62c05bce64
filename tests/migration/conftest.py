"""Empty databases of each kind, to be migrated."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    return empty_postgres_url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/not yet/there/100%.db"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind; the SQLite file and its folder do not exist yet."""
    database_url: str = request.getfixturevalue(f"{request.param}_url")
    return database_url
