"""Checks MLflow's store: whether it exists and can be read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from growlearn.app.doctor.context import CheckContext, open_readonly_database
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding

if TYPE_CHECKING:
    from sqlalchemy import Engine

_RESTORE_HINT = "restore it from a backup"


def mlflow(context: CheckContext) -> Iterator[Finding]:
    """A SQLite store's tables, or whether a server answers."""
    from growlearn.adapters.mlflow.client import get_tracking_sqlite_path

    uri = context.settings.mlflow_tracking_uri
    file = get_tracking_sqlite_path(uri)
    if file is None:
        yield _check_server(uri)
        return
    with open_readonly_database(f"sqlite:///{file}") as engine:
        yield _no_store_finding(uri) if engine is None else _check_file(engine, uri, file)


def _no_store_finding(uri: str) -> Finding:
    return ok_finding(
        "mlflow", f"there is no store at {uri} yet; it is created at the first delivery to MLflow"
    )


def _check_server(uri: str) -> Finding:
    from growlearn.adapters.mlflow.health import find_server_error

    reason = find_server_error(uri)
    if reason is None:
        return ok_finding("mlflow", f"the server at {uri} answers")
    hint = "start it, or correct GROWLEARN_MLFLOW_TRACKING_URI; until then messages to it wait"
    return error_finding("mlflow", f"the server at {uri} does not answer: {reason}", hint)


def _check_file(engine: Engine, uri: str, file: Path) -> Finding:
    from growlearn.adapters.db.health import find_integrity_error, list_tables
    from growlearn.adapters.mlflow.client import make_store_uri
    from growlearn.adapters.mlflow.health import (
        REQUIRED_TABLES,
        REVISION_TABLE,
        get_expected_revision,
        read_store_revision,
    )

    broken = find_integrity_error(engine)
    if broken is not None:
        return error_finding("mlflow", f"{uri} is damaged: {broken}", _RESTORE_HINT)
    tables = list_tables(engine).foreign
    missing = sorted({*REQUIRED_TABLES, REVISION_TABLE} - tables)
    if missing and not tables & set(REQUIRED_TABLES):
        return _no_store_finding(uri)
    if missing:
        return error_finding("mlflow", f"{uri} lacks {', '.join(missing)}", _RESTORE_HINT)
    revision, newest = read_store_revision(engine), get_expected_revision()
    if revision != newest:
        message = f"{uri} is at revision {revision}, this mlflow needs {newest}"
        hint = f"make a copy of it, then run: mlflow db upgrade {shlex.quote(make_store_uri(file))}"
        return error_finding("mlflow", message, hint)
    return ok_finding("mlflow", f"{uri} can be read, at revision {revision}")
