"""What every source of files must do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import fsspec
import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.sources import SOURCES, open_source
from growlearn.domain.errors import TemporarilyUnreadable
from growlearn.domain.job import SourceConfig
from growlearn.ports import Source
from tests.s3_server import Bucket


class Place(Protocol):
    """Where files are put for a source to find them."""

    source: Source

    def put(self, name: str, content: bytes) -> None: ...

    def remove(self, name: str) -> None: ...

    def blobs(self, name: str, content: bytes) -> Mapping[str, bytes]: ...


class InMemory:
    def __init__(self) -> None:
        self._memory = MemorySource()
        self.source: Source = self._memory

    def put(self, name: str, content: bytes) -> None:
        self._memory.put(f"in/{name}", content)

    def remove(self, name: str) -> None:
        self._memory.remove(f"in/{name}")

    def blobs(self, name: str, content: bytes) -> Mapping[str, bytes]:
        return {name: content}


class OnFileSystem:
    """`inside` is where in a listed file or folder the bytes lie."""

    def __init__(self, kind: str, url: str, inside: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._inside = inside
        self._fs.makedirs(self._root, exist_ok=True)
        self._time_s = 1_000_000_000
        spec = SourceConfig(type=kind, url=url, min_file_age_s=0)
        self.source = open_source(spec, ManualClock(), ["memory", "s3"])

    def put(self, name: str, content: bytes) -> None:
        path = f"{self._root}/{name}{self._inside}"
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._fs.pipe_file(path, content)
        if os.path.exists(path):  # each write at a time of its own, long ago
            self._time_s += 1
            os.utime(path, (self._time_s, self._time_s))

    def remove(self, name: str) -> None:
        self._fs.rm(f"{self._root}/{name}", recursive=True)

    def blobs(self, name: str, content: bytes) -> Mapping[str, bytes]:
        return {self._inside.lstrip("/") or name: content}


SYSTEMS = ("a disk", "fsspec memory", "S3")
PLACES = ["memory", *(f"{kind} on {system}" for kind in SOURCES for system in SYSTEMS)]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "memory":
        return InMemory()
    kind, system = request.param.split(" on ")
    return OnFileSystem(
        kind, _choose_url(system, request, tmp_path), "/cat/1.png" if kind == "image-folder" else ""
    )


def _choose_url(system: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if system == "S3":
        bucket: Bucket = request.getfixturevalue("bucket")
        return f"{bucket.url}/in"
    return str(folder / "in") if system == "a disk" else f"memory://{uuid4().hex}"


def test_every_kind_of_source_is_tried_here() -> None:
    assert {place.split(" on ")[0] for place in PLACES} == {"memory", *SOURCES}


def test_files_come_in_the_order_of_their_names(place: Place) -> None:
    for name in ("b", "c", "a"):
        place.put(name, b"x")
    files = place.source.files()
    assert [file.url.rpartition("/")[2] for file in files] == ["a", "b", "c"]
    assert [file.size_bytes for file in files] == [1, 1, 1]


def test_content_is_read_by_relative_path(place: Place) -> None:
    place.put("a", b"content")
    (file,) = place.source.files()
    assert place.source.read(file) == place.blobs("a", b"content")


def test_listing_twice_gives_the_same(place: Place) -> None:
    for name in ("b", "a"):
        place.put(name, name.encode())
    assert list(place.source.files()) == list(place.source.files())


def test_a_new_file_shows_in_the_next_listing(place: Place) -> None:
    place.put("a", b"x")
    assert len(place.source.files()) == 1
    place.put("b", b"y")
    assert len(place.source.files()) == 2


def test_changed_content_changes_the_fingerprint_and_not_the_url(place: Place) -> None:
    place.put("a", b"one")
    (before,) = place.source.files()
    place.put("a", b"two")
    (after,) = place.source.files()
    assert (before.url, before.fingerprint != after.fingerprint) == (after.url, True)


def test_a_file_changed_since_it_was_listed_is_still_being_written(place: Place) -> None:
    place.put("a", b"half")
    (file,) = place.source.files()
    place.put("a", b"half and the other half")
    with pytest.raises(TemporarilyUnreadable, match=r"a(/cat/1\.png)? changed while it was read"):
        place.source.read(file)


def test_a_file_gone_since_it_was_listed_has_vanished(place: Place) -> None:
    for name in ("a", "b"):
        place.put(name, b"x")
    file, _ = place.source.files()
    place.remove("a")
    with pytest.raises(TemporarilyUnreadable, match="a vanished between listing and reading"):
        place.source.read(file)
