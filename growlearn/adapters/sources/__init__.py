"""Sources of new data: one file and one line in the table below per kind."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import get_close_matches

from growlearn.adapters.sources.folder import FolderSource
from growlearn.adapters.sources.image_folder import ImageFolderSource
from growlearn.domain.errors import JobError
from growlearn.domain.job import SourceConfig
from growlearn.domain.locations import DEFAULT_PROTOCOLS, find_refused_protocol
from growlearn.domain.redaction import redact
from growlearn.ports import Clock, Source

SOURCES: dict[str, Callable[[SourceConfig, Clock], Source]] = {
    "folder": FolderSource,
    "image-folder": ImageFolderSource,
}
"""Every kind of source by its name in a job file."""


def open_source(spec: SourceConfig, clock: Clock, protocols: Collection[str] = DEFAULT_PROTOCOLS) -> Source:
    """The source a job file describes; raises JobError for an unknown kind, or a protocol not allowed here.

    Nothing is read yet: a missing folder is an error when its files are listed.
    """
    if spec.type not in SOURCES:
        nearest = get_close_matches(spec.type.lower().replace("_", "-"), SOURCES, 1, 0.5)
        raise JobError(
            f"source.type {spec.type!r} is unknown; the kinds are {', '.join(SOURCES)}",
            hint=f"did you mean {nearest[0]!r}?" if nearest else None,
        )
    check_source_url(spec.url, protocols)
    return SOURCES[spec.type](spec, clock)


def check_source_url(url: str, protocols: Collection[str]) -> None:
    """Raise JobError for a URL of a file system that is not allowed here."""
    refused = find_refused_protocol(url, protocols)
    if refused is not None:
        raise JobError(
            f"{redact(url)} cannot be read: protocol {refused} is not allowed here",
            hint=f"give a folder, or one of {', '.join(protocols)}; or add it to the setting protocols",
        )
