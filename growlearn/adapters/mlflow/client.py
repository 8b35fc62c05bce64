"""A client of one MLflow store, opened so that the first use is safe for several processes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from mlflow import MlflowClient
from sqlalchemy import make_url

from growlearn.adapters.mlflow.quiet import quietly
from growlearn.domain.errors import GrowLearnError

_CURE = "use sqlite:///PATH/mlflow.db or the http address of an `mlflow server`"


def sqlite_file(tracking_uri: str) -> Path | None:
    """The absolute database file of a SQLite tracking URI; None for an http server.

    Raises GrowLearnError for anything else: MLflow 3 refuses plain folders, and with another
    database only a server knows where artifacts belong.
    """
    scheme = urlsplit(tracking_uri).scheme
    if scheme in ("http", "https"):
        return None
    if scheme.split("+")[0] != "sqlite":
        raise GrowLearnError(f"mlflow_tracking_uri {tracking_uri!r} cannot be used", cure=_CURE)
    database = make_url(tracking_uri).database
    if not database or database == ":memory:":
        raise GrowLearnError(f"mlflow_tracking_uri {tracking_uri!r} names no file", cure=_CURE)
    return Path(database).absolute()


def artifact_root(database: Path) -> Path:
    """Where the artifacts of a local store lie: beside its database."""
    return database.parent / "mlartifacts"


@contextmanager
def alone(database: Path | None) -> Iterator[None]:
    """Keep other local processes from writing to the same SQLite store meanwhile.

    MLflow's migrations race on first use, and its tags cannot be made unique, so that finding or
    creating a run takes a lock of our own. A server (None) is not locked.
    """
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(database.name + ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # released when the file closes, also by a killed process
        yield


def open_client(tracking_uri: str) -> MlflowClient:
    """A client for tracking and registry; a SQLite store is created or checked first.

    Call it inside `alone`.
    """
    database = sqlite_file(tracking_uri)
    if database is None:
        return MlflowClient(tracking_uri, tracking_uri)
    if not database.exists():
        _create(database)
    with quietly():
        uri = f"sqlite:///{database}"
        return MlflowClient(uri, uri)


def _create(database: Path) -> None:
    """Make MLflow's SQLite store, whole or not at all: its migrations cannot go on where they were killed."""
    part = database.with_name(database.name + ".part")
    part.unlink(missing_ok=True)
    with quietly():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415 - it warns

        # With its artifacts beside it, since MLflow's default is ./mlruns.
        store = SqlAlchemyStore(f"sqlite:///{part}", artifact_root(database).as_uri())  # type: ignore[no-untyped-call]
        store.engine.dispose()
    part.replace(database)
