"""A folder in which growlearn works, and its database, that can be set back to an earlier moment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import postgres
from sqlalchemy import Engine, create_engine, make_url, text

DATABASES = ("sqlite", "postgres")
_WORK = "work"


class Place:
    """The folder `work` below another one; with a server's engine its database of that name too.

    Nothing may have the database open when a moment is kept or brought back.
    """

    def __init__(self, folder: Path, server: Engine | None = None) -> None:
        self.folder = folder / _WORK
        self._moments = folder / "moments"
        self._server = server

    @property
    def home(self) -> Path:
        """Where growlearn keeps its files."""
        return self.folder / ".growlearn"

    @property
    def database_url(self) -> str | None:
        """None: a SQLite file in the home."""
        if self._server is None:
            return None
        return self._server.url.set(database=_WORK).render_as_string(hide_password=False)

    def keep(self, moment: str) -> None:
        """Keep the folder and the database as they are now; the moment of that name before is dropped."""
        _copy_folder(self.folder, self._moments / moment)
        if self._server is not None:
            self._execute(f"DROP DATABASE IF EXISTS {moment}", f"CREATE DATABASE {moment} TEMPLATE {_WORK}")

    def bring_back(self, moment: str) -> None:
        """Set folder and database back to a moment."""
        _copy_folder(self._moments / moment, self.folder)
        if self._server is not None:
            self._execute(
                f"DROP DATABASE IF EXISTS {_WORK} WITH (FORCE)", f"CREATE DATABASE {_WORK} TEMPLATE {moment}"
            )

    def _execute(self, *statements: str) -> None:
        assert self._server is not None
        with self._server.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))


def _copy_folder(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


@contextmanager
def open_place(folder: Path, database: str) -> Iterator[Place]:
    """An empty place on one kind of database, with a server of its own where it needs one."""
    if database == "sqlite":
        yield Place(folder)
        return
    with postgres(_WORK) as urls:
        server = create_engine(make_url(urls[_WORK]).set(database="postgres"), isolation_level="AUTOCOMMIT")
        try:
            yield Place(folder, server)
        finally:
            server.dispose()
