"""Answered rows become a file of the stream's source; labels posted by id become another."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest

from growlearn.domain.job import WindowingConfig
from growlearn.domain.serving_config import RequestLogConfig, ServingConfig
from growlearn.ingest.table_rows import read_table_rows
from tests.contract.api.conftest import API, DIGITS, Api, digit_rows


@pytest.fixture
def logging_api(api: Api) -> Iterator[Api]:
    """An API whose stream logs what it answers, at once."""
    store, clock = api.world.store, api.world.clock
    job = store.stream("digits").job
    logging = replace(
        job,
        schema=replace(job.schema, id_column="id"),
        windowing=WindowingConfig(rows=50),
        serving=ServingConfig(request_log=RequestLogConfig(flush_rows=1)),
    )
    store.apply(logging, clock.now())
    yield api
    store.apply(job, clock.now())
    for path in api.source.iterdir():
        path.unlink()


def wait_for_file(api: Api, prefix: str) -> bytes:
    started = time.monotonic()
    while time.monotonic() - started < 20:
        for path in api.source.glob(f"{prefix}-*"):
            return path.read_bytes()
        time.sleep(0.02)
    raise AssertionError(f"no {prefix} file in {[*api.source.iterdir()]}; {api.log}")


def test_an_answered_row_is_a_row_of_the_stream(logging_api: Api) -> None:
    api = logging_api
    rows = [*digit_rows(0, task="a", id="k-1"), *digit_rows(1, task="b"), {"image": None}, *digit_rows(2)]
    answer = api.predict(rows).json()
    first, second, bad, routed = answer["predictions"]
    assert (first["id"], bad, routed["id"]) == ("k-1", None, None)

    content = wait_for_file(api, "served")
    job = api.context.store.stream("digits").job
    read, errors = read_table_rows({"served.parquet": content}, job.schema)
    assert read.row_ids is not None
    assert read.tasks is not None
    assert (read.row_ids.tolist(), read.tasks.tolist(), errors) == (["k-1", second["id"]], ["a", "b"], ())
    assert read.inputs["image"].reshape(2, -1).tolist() == [row["image"] for row in rows[:2]]
    table = pq.read_table(io.BytesIO(content))
    assert table.column("growlearn_probability").to_pylist() == [first["probability"], second["probability"]]
    assert table.column("growlearn_version").to_pylist() == [answer["version"]] * 2
    figures = api.send("GET", "/metrics", "viewer").text
    assert 'growlearn_unlogged_rows_total{reason="no_task",stream="digits"} 1.0' in figures


def test_who_names_a_version_tries_it_and_is_not_logged(logging_api: Api) -> None:
    answer = logging_api.predict(digit_rows(0, task="a", id=1), version=1).json()
    assert "id" not in answer["predictions"][0]


def test_without_a_log_no_row_has_an_id(api: Api) -> None:
    assert "id" not in api.predict(digit_rows(0, task="a", id=1)).json()["predictions"][0]


def post(api: Api, *labels: Any, **headers: str) -> Any:
    return api.send("POST", f"{DIGITS}/labels", "operator", json={"labels": labels}, headers=headers)


def test_posted_labels_are_a_label_file_and_are_stored_once(logging_api: Api) -> None:
    labels = [{"id": "k-1", "label": 3}, {"id": 7, "label": 4}]
    first, second = (post(logging_api, *labels) for _ in range(2))
    assert (first.status_code, first.json()["created"], second.json()["created"]) == (202, True, False)
    assert (first.json()["labels"], first.json()["next_look"][-6:]) == (2, "+00:00")
    table = pq.read_table(logging_api.source / first.json()["file"])
    assert table.to_pydict() == {"id": ["k-1", "7"], "label": [3, 4]}


def test_an_idempotency_key_is_taken(logging_api: Api) -> None:
    key = {"Idempotency-Key": f"labels-{logging_api.tokens['operator id']}"}
    first, again = (post(logging_api, {"id": 1, "label": 3}, **key) for _ in range(2))
    other = post(logging_api, {"id": 1, "label": 4}, **key)
    assert (first.content == again.content, again.headers["idempotency-replayed"]) == (True, "true")
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("labels", "status", "told"),
    [
        ([], 422, "there are no labels"),
        ([{"id": None, "label": 1}], 422, "$.labels[0].id"),
        ([{"id": 1}], 422, "label"),
        ([{"id": 1, "label": None}], 422, "$.labels[0].label"),
        ([{"id": 1, "label": 1, "task": "a"}], 422, "task"),
        ([{"id": 1, "label": 1}, {"id": 2, "label": "x"}], 422, "cannot be read"),
        ([{"id": 1, "label": 2**70}], 422, "cannot be read"),
        ([{"id": index, "label": 1} for index in range(10_001)], 413, "10001 labels"),
    ],
)
def test_labels_that_are_none_are_a_problem(
    logging_api: Api, labels: list[Any], status: int, told: str
) -> None:
    response = post(logging_api, *labels)
    assert (response.status_code, told in response.json()["detail"]) == (status, True), response.text
    assert list(logging_api.source.iterdir()) == []


def test_a_stream_without_an_id_column_takes_no_labels(api: Api) -> None:
    response = post(api, {"id": 1, "label": 1})
    assert (response.status_code, "schema.id_column" in response.json()["hint"]) == (409, True)
    assert api.send("POST", f"{API}/streams/nothing/labels", json={"labels": []}).status_code == 404
