"""Where a setting or a job file says that something lies: a path of this computer, or a URL."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from growlearn.domain.errors import GrowLearnError

DEFAULT_PROTOCOLS = ("s3", "gs", "abfs")
"""File systems, besides this computer's, that a job or a setting may name; the operator may allow others."""
_ALIASES = {"s3a": "s3", "gcs": "gs", "abfss": "abfs", "az": "abfs"}
_PROTOCOL = "[a-z][a-z0-9+.-]*"
_URL_START = rf"(?:{_PROTOCOL}::)*{_PROTOCOL}://"  # fsspec chains file systems: simplecache::s3://bucket
_URL = re.compile(_URL_START, re.IGNORECASE)
_UNCHAINED_COLONS = re.compile(rf"::(?!{_URL_START})", re.IGNORECASE)
_FILE_URL = re.compile(r"(?:file|local):(?://)?(?=/(?!/))", re.IGNORECASE)
_FILE_URL_WITH_HOST = re.compile(r"(?:file|local)://", re.IGNORECASE)
_PERCENT_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_SQLITE_URL = re.compile(r"sqlite(?:\+pysqlite)?://(.*)", re.IGNORECASE | re.DOTALL)
_SQLITE_OPTIONS = re.compile(r"\?\w+=[^/]*\Z")
_SQLITE_HINT = "write sqlite:///relative/path.db or sqlite:////absolute/path.db"


def get_local_path(location: str) -> str | None:
    """The path of this computer that a location names; None for a URL of another file system.

    Every character of a path stands for itself. Raises GrowLearnError for a `file:` URL with a host or with
    a percent escape, which some programs decode and others do not, and for a URL with `::` in a name.

    >>> get_local_path("in/home%41::x"), get_local_path("file:///srv/a b"), get_local_path("s3://bucket/in")
    ('in/home%41::x', '/srv/a b', None)
    """
    if _FILE_URL.match(location):
        path = _FILE_URL.sub("", location, count=1)
        escape = _PERCENT_ESCAPE.search(path)
        if escape is not None:
            raise GrowLearnError(
                f"{location!r} can be read in two ways: {escape[0]} is a character's code in some programs, "
                "and three characters of a name in others",
                hint="write the path alone, without file://; in a path every character stands for itself",
            )
        return path
    if _FILE_URL_WITH_HOST.match(location):
        raise GrowLearnError(
            f"{location!r} names no file of this computer", hint="write file:///path, or the path alone"
        )
    url_start = _URL.match(location)
    if url_start is None:
        return location
    if _UNCHAINED_COLONS.search(location, url_start.end()):
        raise GrowLearnError(
            f"{location!r} has '::' in a name, where fsspec ends the URL", hint="rename that folder"
        )
    return None


def find_refused_protocol(location: str, allowed: Collection[str]) -> str | None:
    """The first protocol of a URL that is not allowed; None for a path of this computer.

    >>> find_refused_protocol("simplecache::s3://b/in", ["s3"]), find_refused_protocol("s3a://b/in", ["s3"])
    ('simplecache', None)
    """
    if get_local_path(location) is not None:
        return None
    protocols = [part.partition("://")[0].lower() for part in location.split("::")]
    return next((name for name in protocols if _ALIASES.get(name, name) not in allowed), None)


def get_sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL, as it stands after sqlite:///; None for the URL of another database.

    Nothing is decoded and nothing cut off, so two spellings are two files. Raises GrowLearnError for a
    database in memory, a host, or options.

    >>> get_sqlite_file("sqlite:////srv/home%41/what?/growlearn.db")
    PosixPath('/srv/home%41/what?/growlearn.db')
    """
    match = _SQLITE_URL.fullmatch(url)
    if match is None:
        return None
    path = match[1].removeprefix("/")
    if path in ("", ":memory:"):
        raise GrowLearnError(
            "a SQLite database in memory is lost when its connection closes", hint=_SQLITE_HINT
        )
    if not match[1].startswith("/"):
        raise GrowLearnError(f"{url!r} names a host, which SQLite does not have", hint=_SQLITE_HINT)
    options = _SQLITE_OPTIONS.search(path)
    if options is not None:
        raise GrowLearnError(
            f"{url!r} ends in options, {options[0]!r}, which GrowLearn sets itself", hint="leave them out"
        )
    return Path(path)
