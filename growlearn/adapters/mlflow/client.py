"""A client of one MLflow store, opened so that the first use is safe for several processes."""

from __future__ import annotations

import fcntl
import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import URL, make_url

from growlearn.adapters.mlflow.silence import silence_warnings
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.locations import get_sqlite_file

if TYPE_CHECKING:
    from mlflow import MlflowClient

_TRACKING_URI_HINT = "use sqlite:///PATH/mlflow.db or the http address of an `mlflow server`"


def get_tracking_sqlite_path(tracking_uri: str) -> Path | None:
    """The absolute database file of a SQLite tracking URI, taken as it stands; None for an http server.

    Raises GrowLearnError for anything else: MLflow 3 refuses plain folders, and with another
    database only a server knows where artifacts belong.
    """
    database = get_sqlite_file(tracking_uri)
    if database is None and urlsplit(tracking_uri).scheme not in ("http", "https"):
        raise GrowLearnError(f"mlflow_tracking_uri {tracking_uri!r} cannot be used", hint=_TRACKING_URI_HINT)
    return None if database is None else database.absolute()


def make_store_uri(database: Path) -> str:
    """The URI with which MLflow itself opens this file: special characters are escaped.

    It names the driver, because MLflow creates the folder of a plain sqlite:/// URI without decoding it.
    """
    return URL.create("sqlite+pysqlite", database=str(database)).render_as_string()


def get_store_database(client: MlflowClient) -> Path | None:
    """The database file of a client that `open_client` opened; None for a server."""
    uri = client.tracking_uri
    return Path(str(make_url(uri).database)) if uri.startswith("sqlite") else None


def get_artifact_root(database: Path) -> Path:
    """The folder of a local store's artifacts, beside its database."""
    return database.parent / "mlartifacts"


@contextmanager
def lock_tracking_store(database: Path | None) -> Iterator[None]:
    """Keep other local processes from writing to the same SQLite store.

    MLflow's migrations race on first use, and its tags cannot be made unique, so finding or creating
    a run needs this lock. A server (None) is not locked.
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

    Call it inside `lock_tracking_store`.
    """
    from mlflow import MlflowClient  # noqa: PLC0415 - slow, and finding the store's file needs none of it

    database = get_tracking_sqlite_path(tracking_uri)
    if database is None:
        return MlflowClient(tracking_uri, tracking_uri)
    if not database.exists():
        _create_store(database)
    with silence_warnings():
        uri = make_store_uri(database)
        return MlflowClient(uri, uri)


def _create_store(database: Path) -> None:
    """Create MLflow's SQLite store completely or not at all: its migrations cannot resume when killed."""
    for leftover in database.parent.glob(glob.escape(database.name) + ".*.part"):
        leftover.unlink(missing_ok=True)
    # MLflow keeps an engine for every address: a second try in this process needs another name.
    partial_path = database.with_name(f"{database.name}.{uuid4().hex}.part")
    with silence_warnings():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415 - it warns

        # With its artifacts beside it, since MLflow's default is ./mlruns.
        store = SqlAlchemyStore(make_store_uri(partial_path), get_artifact_root(database).as_uri())  # type: ignore[no-untyped-call]
        store.engine.dispose()
    partial_path.replace(database)
