"""Sources of new data: one file and one line in the table below per kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from growlearn.adapters.sources.folder import FolderSource
from growlearn.adapters.sources.image_folder import ImageFolderSource
from growlearn.domain.errors import JobError
from growlearn.domain.job import SourceConfig
from growlearn.domain.locations import DEFAULT_PROTOCOLS, find_refused_protocol
from growlearn.domain.redaction import redact
from growlearn.domain.sql_source import SqlSourceConfig
from growlearn.ports import Clock, Source

SOURCES: dict[str, Callable[[SourceConfig, Clock], Source]] = {
    "folder": FolderSource,
    "image-folder": ImageFolderSource,
}
"""Every kind of folder by its name in a job file."""

_NO_CONNECTIONS: Mapping[str, str] = MappingProxyType({})


def open_source(
    spec: SourceConfig | SqlSourceConfig,
    clock: Clock,
    protocols: Collection[str] = DEFAULT_PROTOCOLS,
    connections: Mapping[str, str] = _NO_CONNECTIONS,
) -> Source:
    """The source a job file describes.

    `connections` are URLs of databases by name. Raises JobError for an unknown kind, and for a protocol or a
    connection that is not allowed here. Nothing is read yet: a missing folder is an error when its files are
    listed.
    """
    if isinstance(spec, SqlSourceConfig):
        from growlearn.adapters.sources.sql import SqlSource  # noqa: PLC0415 - SQLAlchemy only where used

        _check_connection(spec.sql.connection, connections)
        return SqlSource(spec, clock, connections[spec.sql.connection])
    if spec.type not in SOURCES:
        nearest = get_close_matches(spec.type.lower().replace("_", "-"), SOURCES, 1, 0.5)
        raise JobError(
            f"source.type {spec.type!r} is unknown; the kinds are {', '.join(SOURCES)}",
            hint=f"did you mean {nearest[0]!r}?" if nearest else None,
        )
    check_source_url(spec.url, protocols)
    return SOURCES[spec.type](spec, clock)


def check_source(
    spec: SourceConfig | SqlSourceConfig, protocols: Collection[str], connections: Collection[str]
) -> None:
    """Raise JobError for a source that may not be opened here."""
    if isinstance(spec, SqlSourceConfig):
        _check_connection(spec.sql.connection, connections)
    else:
        check_source_url(spec.url, protocols)


def check_source_url(url: str, protocols: Collection[str]) -> None:
    """Raise JobError for a URL of a file system that is not allowed here."""
    refused = find_refused_protocol(url, protocols)
    if refused is not None:
        raise JobError(
            f"{redact(url)} cannot be read: protocol {refused} is not allowed here",
            hint=f"give a folder, or one of {', '.join(protocols)}; or add it to the setting protocols",
        )


def _check_connection(name: str, connections: Collection[str]) -> None:
    """Raise JobError for a connection that the settings do not have."""
    if name not in connections:
        known = f"; there are {', '.join(sorted(connections))}" if connections else ""
        raise JobError(
            f"source.sql.connection {name!r} is not among the connections of this installation{known}",
            hint='add it to the setting connections: in growlearn.toml, connections = {NAME = "postgresql://..."}',
        )
