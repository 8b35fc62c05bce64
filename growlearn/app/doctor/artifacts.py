"""Checks manifests, weights and rows of models in use and of unfinished windows: present and unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from growlearn.adapters.files.artifacts import SHA256_PATTERN, FileArtifacts
from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize
from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Stream
from growlearn.domain.window import TRANSITIONS
from growlearn.ports import Store
from growlearn.registry.version_tree import get_version, select_version_tasks

_TEXT_FIELDS = ("classes", "task_classes")
"""Fields with values from the data, which might look like a hash."""


def artifacts(context: StoreContext) -> Iterator[Finding]:
    """Every manifest or artifact that is missing or does not match its sha256, and how many were read."""
    file_artifacts = FileArtifacts(context.settings.artifacts_url)
    referenced: dict[str, str] = {}
    bytes_read = damaged = 0
    for stream in context.store.streams():
        for version in list_versions_in_use(context.store, stream):
            error = find_manifest_error(version)
            if error is not None:
                damaged += 1
                yield error_finding("artifacts", error.message, error.hint)
        for digest, where in iter_referenced_artifacts(context.store, stream):
            referenced.setdefault(digest, where)
    for digest, where in referenced.items():
        try:
            bytes_read += len(file_artifacts.view(digest))
        except CorruptArtifact as error:
            damaged += 1
            yield error_finding("artifacts", f"{error.message}; needed by {where}", error.hint)
    summary = f"{pluralize(len(referenced), 'artifact')} in use, {bytes_read / 1e6:.1f} MB, were read"
    if not damaged:
        yield ok_finding("artifacts", f"{summary}; each matches its sha256")


def list_versions_in_use(store: Store, stream: Stream) -> tuple[Version, ...]:
    """The champion, the challenger and the parent of the next version."""
    versions = store.versions(stream.name)
    in_use = {stream.champion, stream.challenger, stream.parent_version}
    return tuple(
        get_version(versions, number) for number in sorted(item for item in in_use if item is not None)
    )


def find_manifest_error(version: Version) -> CorruptArtifact | None:
    """Why a version's manifest cannot be used; None where it is as it was recorded."""
    try:
        version.manifest.stream  # noqa: B018 - a corrupt one raises
    except CorruptArtifact as error:
        return error
    return None


def iter_referenced_artifacts(store: Store, stream: Stream) -> Iterator[tuple[str, str]]:
    """sha256 and owner of every artifact in use, but for versions whose manifest is corrupt.

    In use are the parts of the champion, of the challenger and of the parent of the next version, their
    tasks' stored rows, what unfinished windows hold, and labels whose rows have not arrived yet.
    """
    name = stream.name
    versions = store.versions(name)
    tasks = store.tasks(name)
    for version in list_versions_in_use(store, stream):
        if find_manifest_error(version) is not None:
            continue
        yield from iter_digests(version.manifest, f"version {version.number} of stream {name!r}")
        for task in select_version_tasks(tasks, versions, version.number):
            yield from iter_digests(task, f"task {task.name!r} of stream {name!r}")
    for window in store.windows(name):
        if TRANSITIONS[window.state]:
            where = f"window {window.id} of stream {name!r}"
            yield from iter_digests(window, where)
            yield from iter_digests(store.window_record(name, window.id), where)
    for labels in store.pending_labels(name):
        yield from iter_digests(labels, f"pending labels of stream {name!r}")


def iter_digests(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every sha256 inside frozen dataclasses and tuples of them, with the fields that lead to it."""
    if isinstance(value, str):
        if SHA256_PATTERN.fullmatch(value):
            yield value, where
    elif isinstance(value, tuple):
        for item in value:
            item_name = getattr(item, "id", None) or getattr(item, "name", None)
            yield from iter_digests(item, where if item_name is None else f"{where} {item_name}")
    elif is_dataclass(value):
        for field in fields(value):
            if field.name not in _TEXT_FIELDS:
                yield from iter_digests(getattr(value, field.name), f"{where}, {field.name}")
