"""What every store of artifacts must do."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from growlearn.adapters.avalanche.state_dict_artifacts import StateDictArtifacts
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.errors import CorruptArtifact
from growlearn.ingest.spool import write_spool
from growlearn.ports import Artifacts
from tests.s3_server import Bucket


@pytest.fixture(params=["memory", "state dict", "local path", "local url", "fsspec memory", "S3"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    if request.param == "memory":
        return MemoryArtifacts()
    if request.param == "state dict":
        return StateDictArtifacts()
    if request.param == "local path":
        return FileArtifacts(tmp_path / "not" / "there yet")
    if request.param == "local url":
        return FileArtifacts(f"file://{tmp_path}/files")
    if request.param == "S3":
        bucket: Bucket = request.getfixturevalue("bucket")
        return FileArtifacts(f"{bucket.url}/files")
    return FileArtifacts(f"memory://{uuid4().hex}/files/")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 4096])
def test_what_was_put_is_got_under_its_sha256(artifacts: Artifacts, content: bytes) -> None:
    digest = artifacts.put(content)
    assert digest == sha256(content).hexdigest()
    assert artifacts.get(digest) == content


def test_storing_twice_is_harmless(artifacts: Artifacts) -> None:
    assert artifacts.put(b"same") == artifacts.put(b"same")
    assert artifacts.get(sha256(b"same").hexdigest()) == b"same"


def test_different_contents_stand_apart(artifacts: Artifacts) -> None:
    digests = [artifacts.put(f"{i}".encode()) for i in range(50)]
    assert [artifacts.get(digest) for digest in digests] == [f"{i}".encode() for i in range(50)]


def test_a_missing_artifact_is_corrupt(artifacts: Artifacts) -> None:
    artifacts.put(b"something else")
    with pytest.raises(CorruptArtifact, match="is missing"):
        artifacts.get("0" * 64)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 63, "F" * 64])
def test_a_name_that_is_no_hash_opens_nothing(artifacts: Artifacts, name: str) -> None:
    artifacts.put(b"x")
    with pytest.raises(CorruptArtifact):
        artifacts.get(name)


def test_a_large_artifact_is_put_and_viewed_without_being_read_into_memory(artifacts: Artifacts) -> None:
    content = write_spool([bytes(range(256)) * 2**10] * 80)
    digest = artifacts.put(content)
    assert artifacts.put(content) == digest == sha256(content).hexdigest()
    assert artifacts.view(digest) == content
    with pytest.raises(CorruptArtifact):
        artifacts.view("0" * 64)
