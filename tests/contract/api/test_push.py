"""Pushed rows become a file of the stream's source, and go the way of every other file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growlearn.adapters.memory.clock import SystemClock
from growlearn.adapters.sources import open_source
from growlearn.app.api.routes.push import ARROW_TYPES, PARQUET_TYPE
from growlearn.domain.job import RegistryConfig, SourceConfig
from growlearn.ingest.table_rows import read_table_rows
from tests.contract.api.conftest import API, DIGITS, Api, digit_rows
from tests.s3_server import Bucket


@pytest.fixture(autouse=True)
def empty_source(api: Api) -> Iterator[None]:
    yield
    for path in api.source.iterdir():
        path.unlink()


def rows(count: int = 3) -> list[dict[str, Any]]:
    return [{**row, "label": index % 2, "task": "a"} for index, row in enumerate(digit_rows(*range(count)))]


def table(count: int = 3) -> pa.Table:
    return pa.Table.from_pylist(rows(count))


def parquet(content: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(content, sink)
    return sink.getvalue()


def arrow(content: pa.Table, open_writer: Any) -> bytes:
    sink = io.BytesIO()
    with open_writer(sink, content.schema) as writer:
        writer.write_table(content)
    return sink.getvalue()


def push(api: Api, content: bytes, kind: str, stream: str = "digits", **headers: str) -> Any:
    headers = {"Content-Type": kind, **headers}
    return api.send("POST", f"{API}/streams/{stream}/windows", "operator", content=content, headers=headers)


def read(api: Api, name: str) -> list[int]:
    """The labels of the rows that a worker would read of a file."""
    job = api.context.store.stream("digits").job
    source = open_source(job.source, SystemClock())
    (file,) = [file for file in source.files() if Path(file.url).name == name]
    found, bad = read_table_rows(source.read(file), job.schema)
    assert bad == ()
    return list(found.labels)


@pytest.mark.parametrize(
    ("kind", "make", "known_rows"),
    [
        (PARQUET_TYPE, parquet, 3),
        (ARROW_TYPES[0], lambda content: arrow(content, pa.ipc.new_stream), None),
        (ARROW_TYPES[1], lambda content: arrow(content, pa.ipc.new_file), None),
    ],
)
def test_a_table_is_stored_as_it_is_and_once(api: Api, kind: str, make: Any, known_rows: int | None) -> None:
    content = make(table())
    first, second = (push(api, content, kind) for _ in range(2))
    assert (first.status_code, first.json()["created"], second.json()["created"]) == (202, True, False)
    assert first.json()["rows"] == known_rows
    assert (api.source / first.json()["file"]).read_bytes() == content
    assert [path.name for path in api.source.iterdir()] == [first.json()["file"]]
    assert read(api, first.json()["file"]) == [0, 1, 0]


def test_rows_of_json_are_a_table_too(api: Api) -> None:
    response = api.send("POST", f"{DIGITS}/windows", "operator", json={"rows": rows(4)})
    assert (response.status_code, response.json()["rows"]) == (202, 4), response.text
    assert read(api, response.json()["file"]) == [0, 1, 0, 1]
    assert response.json()["next_look"].endswith("+00:00")


def test_rows_reach_a_source_in_a_bucket(api: Api, bucket: Bucket) -> None:
    store = api.context.store
    digits = store.stream("digits").job
    source = SourceConfig(url=f"{bucket.url}/in", min_file_age_s=0)
    registry = RegistryConfig(model="in-a-bucket")
    job = replace(digits, name="in-a-bucket", source=source, registry=registry)
    store.apply(job, api.context.clock.now())
    content = parquet(table())
    first, second = (push(api, content, PARQUET_TYPE, stream=job.name) for _ in range(2))
    store.delete(job.name)
    assert (first.status_code, first.json()["created"], second.json()["created"]) == (202, True, False)
    (file,) = open_source(source, SystemClock()).files()
    assert (file.url, file.size_bytes) == (f"{source.url}/{first.json()['file']}", len(content))


def test_the_same_push_with_an_idempotency_key_is_answered_alike(api: Api) -> None:
    key = {"Idempotency-Key": f"push-{api.tokens['operator id']}"}
    first, second = (push(api, parquet(table()), PARQUET_TYPE, **key) for _ in range(2))
    assert first.json()["created"] is second.json()["created"] is True
    assert push(api, parquet(table(2)), PARQUET_TYPE, **key).status_code == 422


@pytest.mark.parametrize(
    ("content", "kind", "status", "reason"),
    [
        (b"{}", "application/json", 422, "rows"),
        (b'{"rows": []}', "application/json", 422, "no rows"),
        (b'{"rows": [{"pixels": 1}]}', "application/json", 422, "column 'image' is missing"),
        (b'{"rows": [{"image": "x", "task": "a"}]}', "application/json", 422, "image"),
        (b"PAR1", PARQUET_TYPE, 422, "not valid Parquet"),
        (b"", PARQUET_TYPE, 422, "not valid Parquet"),
        (b"ARROW1", ARROW_TYPES[1], 422, "not valid Arrow"),
        (b"\x00" * 64, ARROW_TYPES[0], 422, "not valid Arrow"),
        (parquet(pa.table({"image": [[1]]})), PARQUET_TYPE, 422, "column 'task' is missing"),
        (parquet(table().slice(0, 0)), PARQUET_TYPE, 422, "no rows"),
        (b"image,label", "text/csv", 415, "text/csv"),
        (b"image,label", "", 415, "content type"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_the_stream_is_refused(
    api: Api, content: bytes, kind: str, status: int, reason: str
) -> None:
    response = push(api, content, kind)
    assert (response.status_code, reason in response.json()["detail"]) == (status, True), response.text
    assert list(api.source.iterdir()) == []


def test_a_missing_source_folder_is_named(api: Api, tmp_path: Path) -> None:
    moved = api.source.rename(tmp_path / "moved")
    response = push(api, parquet(table()), PARQUET_TYPE)
    moved.rename(api.source)
    assert (response.status_code, "cannot write" in response.json()["detail"]) == (409, True)


@pytest.mark.parametrize("value", [{}, {"a": 1}, [[[[1]]]]])
def test_a_value_that_no_column_takes_is_named_with_its_row(api: Api, value: Any) -> None:
    pushed = [*rows(1), {**rows(1)[0], "image": value}]
    response = api.send("POST", f"{API}/streams/digits/windows", "operator", json={"rows": pushed})
    assert response.status_code == 422, response.text
    assert response.json()["detail"].startswith("row 1: column 'image' holds an object, or lists in more")
    assert not list(api.source.iterdir())
