"""Files on a disk that can be damaged, full or shared."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
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
