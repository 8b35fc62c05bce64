"""Whether MLflow's store can be read, checked without changing it."""

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

from growlearn.adapters.mlflow.silence import silence_warnings

REQUIRED_TABLES = ("experiments", "runs", "metrics", "registered_models", "model_versions")
"""Some of the tables that every store has."""
REVISION_TABLE = "alembic_version"
_TIMEOUT_S = 10


def find_server_error(server: str) -> str | None:
    """Why an MLflow server does not answer; None where it does."""
    try:
        with silence_warnings(), shorten_timeout():
            MlflowClient(server, server).search_experiments(max_results=1)
    except (MlflowException, OSError) as error:
        cause = _find_root_cause(error)
        return str(cause).replace(server, "it") or type(cause).__name__  # the address may hold a password
    return None


def _find_root_cause(error: BaseException) -> BaseException:
    """The first error of the chain: MLflow, requests and urllib3 each wrap the previous one."""
    while (previous := error.__cause__ or error.__context__) is not None:
        error = previous
    return error


@contextmanager
def shorten_timeout() -> Iterator[None]:
    """Wait seconds rather than minutes for a server, unless the user has set a timeout."""
    name = MLFLOW_HTTP_REQUEST_TIMEOUT.name
    if name in os.environ:
        yield
        return
    os.environ[name] = str(_TIMEOUT_S)
    try:
        yield
    finally:
        os.environ.pop(name, None)  # another thread may have done it


def read_store_revision(engine: Engine) -> str | None:
    """The revision of a store's tables."""
    with engine.connect() as connection:
        revision: str | None = connection.scalar(text(f"SELECT version_num FROM {REVISION_TABLE}"))  # noqa: S608
        return revision


def get_expected_revision() -> str | None:
    """The revision that the installed MLflow needs; it opens no store at another one."""
    package = find_spec("mlflow")
    assert package is not None
    assert package.origin is not None
    with silence_warnings():
        return ScriptDirectory(
            str(Path(package.origin).parent / "store" / "db_migrations")
        ).get_current_head()
