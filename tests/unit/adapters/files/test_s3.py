"""The file store in an S3 bucket: nothing half stored, and what can be wrong with the server."""

from __future__ import annotations

from hashlib import sha256

import pytest

from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.domain.errors import CorruptArtifact, Unavailable
from growlearn.ingest.spool import write_spool
from tests.conftest import find_free_port
from tests.s3_server import Bucket, environment, strict_server

DIGEST = sha256(b"weights").hexdigest()


def test_an_upload_of_which_a_part_fails_leaves_nothing(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = write_spool([bytes(2**20)] * 17)
    call = type(bucket.fs).call_s3
    sent: list[int] = []

    def fail_second_part(self: object, method: str, *arguments: object, **options: object) -> object:
        if method == "upload_part":
            sent.append(1)
            if len(sent) == 2:
                raise OSError("connection reset")
        return call(self, method, *arguments, **options)

    monkeypatch.setattr(bucket.fs, "default_block_size", 5 * 2**20)
    artifacts = FileArtifacts(f"{bucket.url}/files")
    with monkeypatch.context() as patch:
        patch.setattr(type(bucket.fs), "call_s3", fail_second_part)
        with pytest.raises(
            Unavailable, match=r"artifacts cannot be written to s3://.*/files: connection reset"
        ):
            artifacts.put(content)
    assert len(sent) == 2
    assert artifacts.list_files() == []
    assert "Uploads" not in bucket.call("list_multipart_uploads")
    assert artifacts.view(artifacts.put(content)) == content


def test_a_damaged_object_is_never_returned_and_mended_when_stored_again(bucket: Bucket) -> None:
    artifacts = FileArtifacts(f"{bucket.url}/files")
    artifacts.put(b"weights")
    bucket.put(f"files/{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}", b"weight")
    with pytest.raises(CorruptArtifact, match="does not hold what was stored"):
        artifacts.get(DIGEST)
    assert artifacts.get(artifacts.put(b"weights")) == b"weights"


@pytest.mark.usefixtures("bucket")  # its server has no bucket "none"
def test_a_missing_bucket_is_told() -> None:
    artifacts = FileArtifacts("s3://none/files")
    with pytest.raises(
        Unavailable, match=r"written to s3://none/files: .*bucket.* \(is its server there, does the bucket"
    ):
        artifacts.put(b"weights")
    with pytest.raises(Unavailable, match=r"artifacts at s3://none/files cannot be read"):
        artifacts.get(DIGEST)
    with pytest.raises(Unavailable, match=r"artifacts at s3://none/files cannot be read"):
        artifacts.list_files()


def test_wrong_credentials_are_told(bucket: Bucket) -> None:
    with strict_server(), environment(AWS_ACCESS_KEY_ID="nobody"):
        artifacts = FileArtifacts(f"{bucket.url}/files")
        for work in (lambda: artifacts.put(b"weights"), lambda: artifacts.get(DIGEST), artifacts.list_files):
            with pytest.raises(Unavailable, match=r"cannot be read: (.*Access Key Id .*|Forbidden) \(is its"):
                work()
    assert FileArtifacts(f"{bucket.url}/files").list_files() == []


def test_a_server_that_is_away_is_told(bucket: Bucket) -> None:
    away = f"http://127.0.0.1:{find_free_port()}"
    with (
        environment(AWS_ENDPOINT_URL=away),
        pytest.raises(Unavailable, match=r"cannot be read: Could not connect .*\(is its server"),
    ):
        FileArtifacts(f"{bucket.url}/files").get(DIGEST)
