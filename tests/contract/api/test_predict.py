"""Predictions: those of `growlearn predict` to the last bit, whatever else is asked at the same time."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from growlearn.app.predict_file import predict_file
from tests.contract.api.conftest import API, DIGITS, Api, digit_rows


def by_the_command(api: Api, rows: list[dict[str, Any]], folder: Path, version: int | None = None) -> Any:
    """What `growlearn predict --proba` adds to a file of these rows."""
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in rows[0]}), folder / "rows.parquet")
    store, artifacts = api.context.store, api.context.artifacts
    return predict_file(store, artifacts, "digits", version, folder / "rows.parquet", proba=True)


@pytest.mark.parametrize("task", [None, "a"])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_answers_are_those_of_the_command_to_the_last_bit(
    api: Api, tmp_path: Path, task: str | None, count: int
) -> None:
    rows = digit_rows(*range(count), **({} if task is None else {"task": task}))
    answer = api.predict(rows, proba=True).json()
    expected = by_the_command(api, rows, tmp_path)
    table = expected.table
    assert answer["version"] == expected.version
    assert [each["prediction"] for each in answer["predictions"]] == table.column("prediction").to_pylist()
    assert [each["probability"] for each in answer["predictions"]] == table.column("probability").to_pylist()
    assert [each["task"] for each in answer["predictions"]] == table.column("task").to_pylist()
    for name in expected.class_columns:
        label = name.removeprefix("probability_")
        values = [each["probabilities"][label] for each in answer["predictions"]]
        assert values == table.column(name).to_pylist()


def test_rows_asked_for_at_once_have_the_answers_they_have_alone(api: Api) -> None:
    rows = digit_rows(*range(24))
    alone = [api.predict([row]).json()["predictions"][0] for row in rows]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda row: api.predict([row]).json()["predictions"][0], rows * 2))
    assert together == alone * 2


def test_a_version_and_a_task_can_be_named(api: Api, tmp_path: Path) -> None:
    rows = digit_rows(0, 1, task="a")
    first = api.predict(rows, version=1).json()
    assert first["version"] == 1
    table = by_the_command(api, rows, tmp_path, 1).table
    assert [each["probability"] for each in first["predictions"]] == table.column("probability").to_pylist()
    assert api.predict(digit_rows(0, 1), task="b").json()["predictions"][0]["task"] == "b"
    assert api.predict(rows, version=99).status_code == 404
    assert api.predict(rows, version="best").status_code == 422
    assert api.predict(rows, version="challenger").status_code == 409


def test_an_image_may_be_a_png_in_base64(api: Api) -> None:
    pixels = (load_digits().images[5] * 15.9375).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    png = api.predict([{"image": base64.b64encode(sink.getvalue()).decode()}])
    assert png.json()["predictions"] == api.predict(digit_rows(5)).json()["predictions"]


def test_a_bad_row_has_a_reason_and_the_others_their_answers(api: Api) -> None:
    good = digit_rows(0)
    rows = [
        *good, {"image": "no base64"}, {"pixels": []}, {"image": [1, 2]}, {"image": None}, *good,
        {**good[0], "task": "z"}, {"image": {"a": 1}}, {"image": [True, "x"]}, {"image": 2**80},
    ]  # fmt: skip
    answer = api.predict(rows).json()
    bad = {error["row"]: error["reason"] for error in answer["errors"]}
    assert [*bad] == [1, 2, 3, 4, 6, 7, 8, 9]
    assert [index for index, each in enumerate(answer["predictions"]) if each is None] == [*bad]
    assert answer["predictions"][0] == answer["predictions"][5]
    assert "image" in bad[1]
    assert bad[2] == "column 'image' is missing; the row has 'pixels'"
    assert "task 'z' is not known" in bad[6]


def test_rows_that_are_all_bad_are_a_problem(api: Api) -> None:
    response = api.predict([{"image": [1]}, {}])
    assert response.status_code == 422
    assert [error["row"] for error in response.json()["errors"]] == [0, 1]


def test_it_abstains_below_a_probability(api: Api) -> None:
    low = api.predict(digit_rows(0), min_probability=1.0).json()["predictions"][0]
    assert low["prediction"] is None
    assert low["probability"] < 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"{", 422), (b"[]", 422), (b'{"rows": []}', 422), (b'{"rows": [1]}', 422),
        (b'{"rows": {}, "row": 1}', 422), (b'{"rows": [{}], "more": 1}', 422), (b"\xff", 422),
        (b'{"rows": [{"image": "\\ud800"}]}', 422), (b'{"rows": [{"image": 1e999}]}', 422),
        (b'{"rows": ' + b"[" * 100_000, 422), (b'{"rows": [{"image": NaN}]}', 422),
        (b'{"rows": [{}], "min_probability": 2}', 422), (b'{"rows": [{}], "version": true}', 422),
        (b'{"rows": [{"image": ' + b"9" * 5000 + b"}]}", 422),
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_a_problem(api: Api, body: bytes, status: int) -> None:
    response = api.send("POST", f"{DIGITS}/predict", "viewer", content=body)
    assert response.status_code == status, response.text
    assert response.json()["detail"]


def test_bodies_and_rows_are_limited(make_api: Callable[..., Api]) -> None:
    api = make_api(api_max_body_mb=0.01, api_max_rows=2)
    assert api.predict(digit_rows(0, 1)).status_code == 200
    for rows in (digit_rows(0, 1, 2), digit_rows(*range(200))):
        response = api.predict(rows)
        assert response.status_code == 413
        assert "the limit is GROWLEARN_API_MAX_" in response.json()["hint"]

    def chunks() -> Any:
        for _ in range(30):
            yield b" " * 1000

    for path, role in (("predict", "viewer"), ("canary", "operator"), ("promote", "operator")):
        streamed = api.send("POST", f"{DIGITS}/{path}", role, content=chunks())
        assert streamed.status_code == 413, streamed.text
        assert "the limit is GROWLEARN_API_MAX_BODY_MB" in streamed.json()["hint"]


def test_a_stream_without_a_champion_cannot_answer(api: Api) -> None:
    response = api.send("POST", f"{API}/streams/letters/predict", "viewer", json={"rows": [{}]})
    assert response.status_code == 404
