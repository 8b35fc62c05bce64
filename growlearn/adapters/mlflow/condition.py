"""Whether MLflow's store can be read, asked without changing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from alembic.script import ScriptDirectory
from mlflow import MlflowClient
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from sqlalchemy import Engine, text

from growlearn.adapters.mlflow.quiet import quietly

TABLES = ("experiments", "runs", "metrics", "registered_models", "model_versions")
"""Some of a store's tables, without which it is none."""
REVISION_TABLE = "alembic_version"
_PATIENCE_S = 10


def why_silent(server: str) -> str | None:
    """Why an MLflow server does not answer; None where it does."""
    try:
        with quietly(), _hurried():
            MlflowClient(server, server).search_experiments(max_results=1)
    except (MlflowException, OSError) as error:
        cause = _first_cause(error)
        return str(cause).replace(server, "it") or type(cause).__name__  # the address may hold a password
    return None


def _first_cause(error: BaseException) -> BaseException:
    """What began it all: MLflow, requests and urllib3 each wrap the one before in words of their own."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error


@contextmanager
def _hurried() -> Iterator[None]:
    """Wait seconds rather than minutes for a server, unless a person has said how long."""
    name = MLFLOW_HTTP_REQUEST_TIMEOUT.name
    if name in os.environ:
        yield
        return
    os.environ[name] = str(_PATIENCE_S)
    try:
        yield
    finally:
        del os.environ[name]


def revision_in(engine: Engine) -> str | None:
    """The revision that a store's tables are at."""
    with engine.connect() as connection:
        found: str | None = connection.scalar(text(f"SELECT version_num FROM {REVISION_TABLE}"))  # noqa: S608
        return found


def newest_revision() -> str | None:
    """The revision that the installed MLflow wants; it opens no store at another one."""
    package = find_spec("mlflow")
    assert package is not None
    assert package.origin is not None
    with quietly():
        return ScriptDirectory(
            str(Path(package.origin).parent / "store" / "db_migrations")
        ).get_current_head()
