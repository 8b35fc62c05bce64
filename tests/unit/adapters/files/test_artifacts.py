"""Files on a disk that can be damaged, full or shared."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.domain.errors import CorruptArtifact, DiskFull, Unavailable

DIGEST = sha256(b"weights").hexdigest()


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    FileArtifacts(tmp_path).put(b"weights")
    return tmp_path / DIGEST[:2] / DIGEST[2:4] / DIGEST


def test_a_file_lies_two_folders_down_under_its_hash(stored: Path) -> None:
    assert stored.read_bytes() == b"weights"
    assert os.listdir(stored.parent) == [DIGEST]


@pytest.mark.parametrize("damage", [b"", b"weight", b"weightS"])
def test_a_damaged_file_is_never_returned(stored: Path, tmp_path: Path, damage: bytes) -> None:
    stored.write_bytes(damage)
    with pytest.raises(CorruptArtifact, match=r"does not hold what was stored \(bring that file back"):
        FileArtifacts(tmp_path).get(DIGEST)


def test_a_damaged_file_is_mended_when_its_content_is_stored_again(stored: Path, tmp_path: Path) -> None:
    stored.write_bytes(b"wei")
    assert FileArtifacts(tmp_path).put(b"weights") == DIGEST
    assert stored.read_bytes() == b"weights"


def test_a_failed_write_leaves_nothing_behind_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        DiskFull, match=r"the disk is full: artifacts cannot be written .* \(free space there"
    ):
        FileArtifacts(tmp_path).put(b"weights")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_is_away_is_no_damage(stored: Path, tmp_path: Path) -> None:
    artifacts = FileArtifacts(tmp_path / "mount")
    digest = artifacts.put(b"weights")
    (tmp_path / "mount").rename(tmp_path / "away")
    with pytest.raises(Unavailable, match=r"there is no such folder \(is its disk or server there"):
        artifacts.get(digest)
    (tmp_path / "away").rename(tmp_path / "mount")
    assert artifacts.get(digest) == b"weights"


def test_many_writers_of_one_content_leave_one_whole_file(tmp_path: Path) -> None:
    content = os.urandom(1 << 18)
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: FileArtifacts(tmp_path).put(content), range(32)))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == list(digests)
    assert FileArtifacts(tmp_path).get(digests.pop()) == content


def test_a_damaged_object_of_a_store_is_never_returned() -> None:
    artifacts = FileArtifacts("memory://damaged")
    digest = artifacts.put(b"weights")
    MemoryFileSystem().pipe_file(f"/damaged/{digest[:2]}/{digest[2:4]}/{digest}", b"other")
    with pytest.raises(CorruptArtifact, match="does not hold what was stored"):
        artifacts.get(digest)


def test_a_file_goes_unless_it_was_stored_or_found_stored_since(tmp_path: Path) -> None:
    artifacts = FileArtifacts(tmp_path / "store")
    old, renewed = artifacts.put(b"old"), artifacts.put(b"renewed")
    yesterday = time.time() - 86400
    for digest in (old, renewed):
        os.utime(tmp_path / "store" / digest[:2] / digest[2:4] / digest, (yesterday, yesterday))
    since = datetime.now(UTC) - timedelta(hours=1)
    assert not artifacts.was_put_since(renewed, since)
    artifacts.put(b"renewed")  # the same bytes again: their row may not be written yet
    assert artifacts.was_put_since(renewed, since)
    assert [artifacts.remove(digest, since) for digest in (old, renewed, old, "0" * 64)] == [
        True, False, False, False,
    ]  # fmt: skip
    assert artifacts.get(renewed) == b"renewed"
    with pytest.raises(CorruptArtifact, match="is missing"):
        artifacts.get(old)
    assert [file.sha256 for file in artifacts.list_files()] == [renewed]


@pytest.mark.parametrize("moment", ["rename", "unlink", "stat"])
def test_bytes_that_are_stored_while_their_file_is_removed_are_there_afterwards(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else stores them just before that call of the removal."""
    artifacts, since = FileArtifacts(tmp_path), datetime.now(UTC) - timedelta(hours=1)
    digest = artifacts.put(b"rows")
    os.utime(tmp_path / digest[:2] / digest[2:4] / digest, (0, 0))
    original = getattr(Path, moment)
    calls: list[Path] = []

    def intervene(self: Path, *arguments: object, **options: object) -> object:
        if not calls:
            calls.append(self)
            FileArtifacts(tmp_path).put(b"rows")
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, moment, intervene)
        artifacts.remove(digest, since)
    assert calls
    assert artifacts.get(digest) == b"rows"


def test_an_object_store_removes_by_its_own_time() -> None:
    artifacts = FileArtifacts("memory://removal/store")
    digest, _ = artifacts.put(b"rows"), artifacts.put(b"others")
    assert not artifacts.remove(digest, datetime.now(UTC) - timedelta(hours=1))
    assert artifacts.remove(digest, datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(CorruptArtifact):
        artifacts.get(digest)
