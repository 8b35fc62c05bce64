"""Which stored files the record refers to, by their sha256."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from growlearn.domain.corrupt_manifest import find_manifest_error
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Stream
from growlearn.domain.validation import SHA256_PATTERN
from growlearn.domain.window import TRANSITIONS
from growlearn.ports import Store
from growlearn.registry.version_tree import get_version, select_version_tasks

_NO_REFERENCES = frozenset(
    {
        "base_task",
        "classes",
        "environment",
        "name",
        "parent_task",
        "positive_class",
        "reason",
        "replaced_tasks",
        "source",
        "task",
        "task_classes",
        "weights_sha256",
    }
)
"""Fields with words from the data, which may look like a hash, or with hashes of what is not stored."""


def list_versions_in_use(store: Store, stream: Stream) -> tuple[Version, ...]:
    """The champion, the challenger and the parent of the next version."""
    versions = store.versions(stream.name)
    return tuple(get_version(versions, number) for number in stream.versions_in_use)


def iter_used_digests(store: Store, stream: Stream) -> Iterator[tuple[str, str]]:
    """sha256 and owner of every file in use, but for versions whose manifest is corrupt.

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
    yield from _iter_unfinished(store, stream)


def _iter_unfinished(store: Store, stream: Stream) -> Iterator[tuple[str, str]]:
    name = stream.name
    for window in store.windows(name):
        if TRANSITIONS[window.state]:
            where = f"window {window.id} of stream {name!r}"
            yield from iter_digests(window, where)
            yield from iter_digests(store.window_record(name, window.id), where)
    for labels in store.pending_labels(name):
        yield from iter_digests(labels, f"pending labels of stream {name!r}")


def iter_recorded_digests(store: Store, stream: Stream) -> Iterator[tuple[str, str]]:
    """sha256 and owner of every file that the record of a stream refers to, of whatever age.

    What a version needs comes first, what the decision log remembers last.
    """
    name = stream.name
    yield from iter_digests(stream.job, f"the job of stream {name!r}")
    for version in store.versions(name):
        if find_manifest_error(version) is None:
            yield from iter_digests(version.manifest, f"version {version.number} of stream {name!r}")
    for branch in store.branches(name):
        yield from iter_digests(branch, f"branch {branch.id} of stream {name!r}")
    for task in store.tasks(name):
        where = f"task {task.name!r} of version {task.version} of stream {name!r}"
        yield from iter_digests(task, where)
    for window in store.windows(name):
        yield from iter_digests(window, f"window {window.id} of stream {name!r}")
    yield from _iter_unfinished(store, stream)
    for entry in store.decision_log(name):
        if entry.transition is not None and (
            entry.transition.version is None or find_manifest_error(entry.transition.version) is None
        ):
            where = f"window {entry.transition.window} of stream {name!r}"
            yield from iter_digests(entry.transition, where)


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
            if field.name not in _NO_REFERENCES:
                yield from iter_digests(getattr(value, field.name), f"{where}, {field.name}")


def list_window_files(store: Store, stream: str, window: str, version: Version | None) -> tuple[str, ...]:
    """sha256 of every file that a window and its version, where it has one, refer to."""
    is_intact = version is not None and find_manifest_error(version) is None
    values = (
        store.window(stream, window),
        store.window_record(stream, window),
        version.manifest if version is not None and is_intact else None,
    )
    return tuple(dict.fromkeys(digest for value in values for digest, _ in iter_digests(value, "")))
