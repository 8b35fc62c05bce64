"""MLflow's store: whether it is there and can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from growlearn.app.doctor.finding import Finding, ok, wrong
from growlearn.app.doctor.premises import Premises, database_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

_BACKUP = "bring it back from a backup"


def mlflow(premises: Premises) -> Iterator[Finding]:
    """A SQLite store's tables, or whether a server answers."""
    from growlearn.adapters.mlflow.client import sqlite_file

    uri = premises.settings.mlflow_tracking_uri
    file = sqlite_file(uri)
    if file is None:
        yield _server(uri)
        return
    with database_of(f"sqlite:///{file}") as engine:
        yield _nothing_yet(uri) if engine is None else _file(engine, uri)


def _nothing_yet(uri: str) -> Finding:
    return ok("mlflow", f"there is no store at {uri} yet; it is made when MLflow is first told something")


def _server(uri: str) -> Finding:
    from growlearn.adapters.mlflow.address import shown
    from growlearn.adapters.mlflow.condition import why_silent

    reason = why_silent(uri)
    if reason is None:
        return ok("mlflow", f"the server at {shown(uri)} answers")
    cure = "start it, or correct GROWLEARN_MLFLOW_TRACKING_URI; until then messages to it wait"
    return wrong("mlflow", f"the server at {shown(uri)} does not answer: {reason}", cure)


def _file(engine: Engine, uri: str) -> Finding:
    from growlearn.adapters.db.condition import damage, tables_in
    from growlearn.adapters.mlflow.condition import REVISION_TABLE, TABLES, newest_revision, revision_in

    broken = damage(engine)
    if broken is not None:
        return wrong("mlflow", f"{uri} is damaged: {broken}", _BACKUP)
    tables = tables_in(engine).foreign
    missing = sorted({*TABLES, REVISION_TABLE} - tables)
    if missing and not tables & set(TABLES):
        return _nothing_yet(uri)
    if missing:
        return wrong("mlflow", f"{uri} lacks {', '.join(missing)}", _BACKUP)
    revision, newest = revision_in(engine), newest_revision()
    if revision != newest:
        found = f"{uri} is at revision {revision}, this mlflow wants {newest}"
        return wrong("mlflow", found, f"make a copy of it, then run: mlflow db upgrade {uri}")
    return ok("mlflow", f"{uri} can be read, at revision {revision}")
