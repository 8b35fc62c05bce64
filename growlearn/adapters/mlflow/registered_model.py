"""What MLflow has registered under a stream's name, and which of it is the stream's own.

A local store is read without MLflow, whose import takes seconds, and without changing it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from growlearn.adapters.mlflow.tags_and_params import CREATED_TAG, STREAM_TAG, VERSION_TAG, make_version_key
from growlearn.domain.corrupt_manifest import find_manifest_error
from growlearn.domain.lineage import Version
from growlearn.domain.registered_model import AliasTarget, RegisteredModel
from growlearn.domain.stream import Alias, Stream

if TYPE_CHECKING:
    from mlflow import MlflowClient

Tags: TypeAlias = Mapping[str, Mapping[str, str]]
"""Tags of each registered version, by its number in MLflow."""

_TIMEOUT_S = 10.0
_PAGE_SIZE = 1000
_DELETED = "Deleted_Internal"  # MLflow keeps the row of a deleted version, with this stage


def read_from_file(database: Path, stream: Stream, versions: Sequence[Version]) -> RegisteredModel | None:
    """The registered model in a SQLite store; None where there is no such file.

    Raises sqlite3.Error where it cannot be read.
    """
    if not database.exists():
        return None
    name = stream.job.registered_model
    address = f"file:{quote(str(database))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=_TIMEOUT_S)) as connection:
        numbers = connection.execute(
            "SELECT version FROM model_versions WHERE name = ? AND current_stage != ?", (name, _DELETED)
        )
        tags: dict[str, dict[str, str]] = {str(number): {} for (number,) in numbers}
        rows = connection.execute(
            "SELECT version, key, value FROM model_version_tags WHERE name = ?", (name,)
        )
        for number, key, value in rows:
            if str(number) in tags:
                tags[str(number)][key] = value
        aliases = connection.execute(
            "SELECT alias, version FROM registered_model_aliases WHERE name = ?", (name,)
        ).fetchall()
    return _match(stream, versions, tags, {alias: str(number) for alias, number in aliases})


def read_with_client(client: MlflowClient, stream: Stream, versions: Sequence[Version]) -> RegisteredModel:
    """The registered model in any store; an empty one where there is none of that name."""
    name = stream.job.registered_model
    if not client.search_registered_models(f"name = '{name}'"):
        return RegisteredModel(versions={}, aliases={})
    aliases = client.get_registered_model(name).aliases
    tags: dict[str, Mapping[str, str]] = {}
    token = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", max_results=_PAGE_SIZE, page_token=token)
        tags |= {str(version.version): version.tags for version in page}
        token = page.token
        if not token:
            break
    return _match(stream, versions, tags, {alias: str(number) for alias, number in aliases.items()})


def _match(
    stream: Stream, versions: Sequence[Version], tags: Tags, aliases: Mapping[str, str]
) -> RegisteredModel:
    """Which registered versions are which of the stream's, by their tags."""
    intact = [version for version in versions if find_manifest_error(version) is None]
    keys = {str(version.number): make_version_key(stream, version).items() for version in intact}
    own = {
        number: int(own_tags[VERSION_TAG])
        for number, own_tags in sorted(tags.items(), key=lambda item: int(item[0]))
        if own_tags.get(VERSION_TAG) in keys and keys[own_tags[VERSION_TAG]] <= own_tags.items()
    }
    return RegisteredModel(
        versions={ours: number for number, ours in reversed(own.items())},  # the first where there are two
        aliases={
            Alias(alias): AliasTarget(
                tracker_version=number, number=own.get(number), owner=_describe_owner(tags[number], stream)
            )
            for alias, number in aliases.items()
            if alias in list(Alias) and number in tags
        },
    )


def _describe_owner(tags: Mapping[str, str], stream: Stream) -> str:
    if STREAM_TAG not in tags:
        return "GrowLearn did not register it"
    owner = f"it is version {tags.get(VERSION_TAG)} of stream {tags[STREAM_TAG]!r}"
    if tags.get(CREATED_TAG) == stream.created_at.isoformat() and tags[STREAM_TAG] == stream.name:
        return f"{owner} in a copy of this installation, with other weights"
    return f"{owner} created at {tags.get(CREATED_TAG)}, deleted since or of another installation"
