"""Folders of an S3 bucket: marks, uploads under way, many keys, and what can be wrong with the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.sources import open_source
from growlearn.adapters.sources.deposit import deposit_file
from growlearn.domain.errors import GrowLearnError, TemporarilyUnreadable, Unavailable
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.ports import Source
from tests.conftest import find_free_port
from tests.s3_server import Bucket, environment, strict_server

ROWS = b"x,y\n1,0\n2,1\n"
SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y")


def open_folder(url: str, pattern: str = "*") -> Source:
    return open_source(SourceConfig(url=url, pattern=pattern, min_file_age_s=0), ManualClock())


def names(bucket: Bucket, pattern: str) -> list[str]:
    return [file.url.removeprefix(bucket.url) for file in open_folder(f"{bucket.url}/in", pattern).files()]


@pytest.fixture
def ingest(bucket: Bucket) -> Callable[[], list[tuple[str, int]]]:
    """`ingest()`: the windows that one look at the folder adds, each by its state and its rows."""
    source = SourceConfig(url=f"{bucket.url}/in", min_file_age_s=0)
    store, artifacts, clock = MemoryStore(), MemoryArtifacts(), ManualClock()
    stream = store.apply(Job(name="s", source=source, schema=SCHEMA), clock.now())

    def look() -> list[tuple[str, int]]:
        folder = open_source(stream.job.source, clock)
        results = ingest_new_files(stream, folder, store, artifacts, clock)
        return [(window.state.value, window.rows) for result in results for window in result.windows]

    return look


def test_an_object_is_taken_once_whatever_it_is_called(
    bucket: Bucket, ingest: Callable[[], list[tuple[str, int]]]
) -> None:
    bucket.put("in/a.csv", ROWS)
    assert ingest() == [("accepted", 2)]
    assert ingest() == []
    bucket.put("in/a.csv", ROWS)  # written again
    assert ingest() == []
    bucket.fs.mv(f"{bucket.name}/in/a.csv", f"{bucket.name}/in/b.csv")
    assert ingest() == [("quarantined", 0)]
    bucket.put("in/b.csv", b"x,y\n3,0\n")
    assert ingest() == [("accepted", 1)]


def test_the_same_content_uploaded_in_parts_is_taken_once(
    bucket: Bucket, ingest: Callable[[], list[tuple[str, int]]]
) -> None:
    """Its ETag is no longer the checksum of the content."""
    bucket.put("in/a.csv", ROWS)
    assert ingest() == [("accepted", 2)]
    (before,) = open_folder(f"{bucket.url}/in").files()
    upload_in_parts(bucket, "in/a.csv", ROWS)()
    (after,) = open_folder(f"{bucket.url}/in").files()
    assert before.fingerprint != after.fingerprint
    assert ingest() == []


def upload_in_parts(bucket: Bucket, key: str, content: bytes) -> Callable[[], object]:
    """Begin an upload; the function that is returned completes it."""
    upload = bucket.call("create_multipart_upload", Key=key)["UploadId"]
    part = bucket.call("upload_part", Key=key, UploadId=upload, PartNumber=1, Body=content)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return lambda: bucket.call("complete_multipart_upload", Key=key, UploadId=upload, MultipartUpload=parts)


def test_an_upload_under_way_shows_when_it_is_complete(bucket: Bucket) -> None:
    bucket.put("in/a.csv")
    complete = upload_in_parts(bucket, "in/b.csv", b"whole")
    assert names(bucket, "*") == ["/in/a.csv"]
    complete()
    assert names(bucket, "*") == ["/in/a.csv", "/in/b.csv"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["/in/a.csv", "/in/ü b+%41?.csv"]),
        ("**", ["/in//c.csv", "/in/a.csv", "/in/sub/b.csv", "/in/ü b+%41?.csv"]),
        ("*/*.csv", ["/in/sub/b.csv"]),
    ],
)
def test_marks_of_folders_are_no_files_and_every_listed_key_can_be_read(
    bucket: Bucket, pattern: str, expected: list[str]
) -> None:
    for key in ("in/", "in/sub/", "in/a.csv", "in/sub/b.csv", "in//c.csv", "in/ü b+%41?.csv", "inside/d.csv"):
        bucket.put(key, b"" if key.endswith("/") else key.encode())
    assert names(bucket, pattern) == expected
    source = open_folder(f"{bucket.url}/in", pattern)
    assert [next(iter(source.read(file).values())) for file in source.files()] == [
        path[1:].encode() for path in expected
    ]


def test_a_listing_goes_on_past_its_first_thousand_keys(bucket: Bucket) -> None:
    from moto.backends import get_backend  # noqa: PLC0415 - slow; 2,500 requests would be slower

    stored = get_backend("s3")["123456789012"]["aws"]
    for number in range(2_500):
        stored.put_object(bucket.name, f"in/{number:04}.csv", b"x")
    assert names(bucket, "*") == names(bucket, "**") == [f"/in/{number:04}.csv" for number in range(2_500)]


def test_a_pushed_file_is_listed_once(bucket: Bucket) -> None:
    spec = SourceConfig(url=f"{bucket.url}/in", min_file_age_s=0)
    assert [deposit_file(spec, "a.csv", content) for content in (ROWS, ROWS)] == [True, False]
    (file,) = open_folder(spec.url).files()
    assert open_folder(spec.url).read(file) == {"a.csv": ROWS}


@pytest.mark.parametrize("folder", ["", "/in", "/in/deep"])
def test_a_bucket_with_nothing_there_is_an_empty_source(bucket: Bucket, folder: str) -> None:
    assert open_folder(bucket.url + folder).files() == ()


@pytest.mark.parametrize("folder", ["", "/in"])
def test_a_missing_bucket_is_told(bucket: Bucket, folder: str) -> None:
    with pytest.raises(
        GrowLearnError, match=r"s3://none.* does not exist \(create it, its bucket first"
    ) as told:
        open_folder(f"s3://none{folder}").files()
    assert not isinstance(told.value, Unavailable)


def test_an_object_in_place_of_the_folder_is_told(bucket: Bucket) -> None:
    bucket.put("in")
    with pytest.raises(GrowLearnError, match=r"/in is not a folder \(correct source.url"):
        open_folder(f"{bucket.url}/in").files()


def test_wrong_credentials_are_told_and_right_ones_read(bucket: Bucket) -> None:
    bucket.put("in/a.csv", ROWS)
    (listed,) = open_folder(f"{bucket.url}/in").files()
    with strict_server() as key:
        with environment(AWS_ACCESS_KEY_ID="nobody"):
            source = open_folder(f"{bucket.url}/in")
            with pytest.raises(
                Unavailable, match=r"/in cannot be reached: .*Access Key Id .* \(is its server"
            ) as told:
                source.files()
            with pytest.raises(GrowLearnError, match=r"a\.csv cannot be read"):
                source.read(listed)
        assert "secret" not in str(told.value)
        with environment(**key):
            assert open_folder(f"{bucket.url}/in").read(listed) == {"a.csv": ROWS}


def test_a_server_that_is_away_is_told_and_its_files_wait(bucket: Bucket) -> None:
    bucket.put("in/a.csv", ROWS)
    (listed,) = open_folder(f"{bucket.url}/in").files()
    with environment(AWS_ENDPOINT_URL=f"http://127.0.0.1:{find_free_port()}"):
        source = open_folder(f"{bucket.url}/in")
        with pytest.raises(Unavailable, match=r"/in cannot be reached: Could not connect .*then run again\)"):
            source.files()
        with pytest.raises(TemporarilyUnreadable, match=r"a\.csv cannot be read just now: Could not connect"):
            source.read(listed)
