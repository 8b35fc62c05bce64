"""Weights and rows that models in use and unfinished windows refer to: there, and what they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from growlearn.adapters.files.artifacts import SHA256, FileArtifacts
from growlearn.app.doctor.finding import Finding, counted, ok, wrong
from growlearn.app.doctor.premises import Record
from growlearn.domain.errors import DamagedArtifact
from growlearn.domain.stream import Stream
from growlearn.domain.window import TRANSITIONS
from growlearn.ports import Store
from growlearn.registry.ancestry import chain, find

_LABELS = ("classes", "outputs")
"""Fields that hold the data's own words, which might look like a hash."""


def artifacts(record: Record) -> Iterator[Finding]:
    """Every artifact that is missing or does not have its sha256, and how many were read."""
    kept = FileArtifacts(record.settings.artifacts_url)
    wanted: dict[str, str] = {}
    for stream in record.store.streams():
        for digest, where in referred(record.store, stream):
            wanted.setdefault(digest, where)
    bytes_read = damaged = 0
    for digest, where in wanted.items():
        try:
            bytes_read += len(kept.get(digest))
        except DamagedArtifact as error:
            damaged += 1
            yield wrong("artifacts", f"{error.what}; needed by {where}", error.cure)
    found = f"{counted(len(wanted), 'artifact')} in use, {bytes_read / 1e6:.1f} MB, were read"
    if not damaged:
        yield ok("artifacts", f"{found}; each has its sha256")


def referred(store: Store, stream: Stream) -> Iterator[tuple[str, str]]:
    """sha256 of everything in use, and what it is.

    In use is what champion, challenger and base are made of, their tasks' stored rows, what unfinished
    windows hold, and labels whose rows have not come yet.
    """
    name = stream.name
    versions = store.versions(name)
    tasks = store.tasks(name)
    in_use = {stream.champion, stream.challenger, stream.base}
    for number in sorted(each for each in in_use if each is not None):
        version = find(versions, number)
        yield from digests(version.manifest, f"version {number} of stream {name!r}")
        line = {each.number for each in chain(versions, number)}
        for task in tasks:
            if task.version in line and task.name in version.tasks:
                yield from digests(task, f"task {task.name!r} of stream {name!r}")
    for window in store.windows(name):
        if TRANSITIONS[window.state]:
            where = f"window {window.id} of stream {name!r}"
            yield from digests(window, where)
            yield from digests(store.record(name, window.id), where)
    for labels in store.early_labels(name):
        yield from digests(labels, f"early labels of stream {name!r}")


def digests(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every sha256 inside frozen dataclasses and tuples of them, with the fields that lead to it."""
    if isinstance(value, str):
        if SHA256.fullmatch(value):
            yield value, where
    elif isinstance(value, tuple):
        for each in value:
            own = getattr(each, "id", None) or getattr(each, "name", None)
            yield from digests(each, where if own is None else f"{where} {own}")
    elif is_dataclass(value):
        for field in fields(value):
            if field.name not in _LABELS:
                yield from digests(getattr(value, field.name), f"{where}, {field.name}")
