"""Predictions for a file: its own cells stay unchanged, and rows without a prediction have a reason."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from PIL import Image

from growlearn.app import predict_file as predict_module
from growlearn.app.predict_file import predict_file, write_predictions
from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, object_column
from growlearn.serving.predictor import Answers

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, task="task")
IMAGES = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 4, 4))})
HEADS = (TaskHead(name="a", classes=(0, 1), lineage=("b1",), sha256="0" * 64),)


def png(side: int) -> bytes:
    sink = io.BytesIO()
    Image.new("L", (side, side)).save(sink, "PNG")
    return sink.getvalue()


class Fixed:
    """Predicts 1 for every row, with probability 0.75."""

    def __init__(self, *_: object) -> None: ...

    def answer(self, rows: Rows, _: float, proba: bool) -> Answers:
        count = len(rows)
        classes = np.tile([0.25, 0.75], (count, 1)) if proba else np.empty((count, 0))
        return Answers(
            object_column([1] * count), np.full(count, 0.75), object_column(["a"] * count), classes
        )

    def probability_columns(self, answers: Answers) -> dict[str, Any]:
        names = ("probability_0", "probability_1")
        return dict(zip(names, answers.class_probabilities.T, strict=False))


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        number = 3
        manifest = Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=HEADS)

    monkeypatch.setattr(predict_module, "_get_version", lambda *_: Found)
    monkeypatch.setattr(predict_module, "Predictor", Fixed)


class Nothing:
    def get(self, sha256: str) -> bytes:
        raise AssertionError(sha256)


def answers_of(path: Path) -> predict_module.FilePredictions:
    return predict_file(Nothing(), Nothing(), "s", None, path)  # type: ignore[arg-type]


def test_rows_that_an_encoder_reads_are_predicted_in_parts_whose_features_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = list[int]()

    class Counting(Fixed):
        def answer(self, rows: Rows, _: float, proba: bool) -> Answers:
            sizes.append(len(rows))
            return super().answer(rows, _, proba)

    monkeypatch.setattr(predict_module, "Predictor", Counting)
    pq.write_table(pa.table({"x": np.arange(5000.0)}), tmp_path / "rows.parquet")
    answers_of(tmp_path / "rows.parquet")
    version = predict_module._get_version(None, "s", None)  # type: ignore[arg-type]
    encoder = EncoderConfig(source="file", weights="x", sha256="0" * 64, reads="text")
    monkeypatch.setattr(version, "manifest", replace(version.manifest, model=ModelConfig(encoder=encoder)))
    assert answers_of(tmp_path / "rows.parquet").table.num_rows == 5000
    assert sizes == [5000, 2048, 2048, 904]


def test_a_part_without_one_prediction_is_null_and_the_others_keep_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unsure(Fixed):
        def answer(self, rows: Rows, _: float, proba: bool) -> Answers:
            answers = super().answer(rows, _, proba)
            sure = [
                label if x > 2 else None
                for label, x in zip(answers.prediction, rows.inputs["x"], strict=True)
            ]
            return replace(answers, prediction=object_column(sure))

    monkeypatch.setattr(predict_module, "Predictor", Unsure)
    monkeypatch.setattr(predict_module, "_CHUNK_ROWS", 2)
    (tmp_path / "rows.csv").write_text("x\n1\nbad\n2\n3\nbad\n1\n4\n")
    table = answers_of(tmp_path / "rows.csv").table
    assert table.column("prediction").to_pylist() == [None, None, None, 1, None, None, 1]
    assert table.column("probability").to_pylist() == [0.75, None, 0.75, 0.75, None, 0.75, 0.75]
    assert table.schema.field("prediction").type == pa.int64()


def test_the_probability_of_each_class_is_a_column_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,probability_1\n1.5,old\noops,old\n")
    answers = predict_file(Nothing(), Nothing(), "s", None, tmp_path / "rows.csv", proba=True)  # type: ignore[arg-type]
    assert answers.class_columns == ("probability_0", "probability_1")
    assert answers.table.column_names == [
        "x", "prediction", "probability", "task", "probability_0", "probability_1",
    ]  # fmt: skip
    assert answers.table.column("probability_0").to_pylist() == [0.25, None]
    assert answers.table.column("probability_1").to_pylist() == [0.75, None]


def test_cells_of_a_csv_stay_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,note,x\n00123,NA,1.50\n7,,oops\n")
    answers = answers_of(tmp_path / "rows.csv")
    assert answers.table.to_pydict() == {
        "id": ["00123", "7"],
        "note": ["NA", None],
        "x": ["1.50", "oops"],
        "prediction": [1, None],
        "probability": [0.75, None],
        "task": ["a", None],
    }
    assert [(bad.row, bad.reason) for bad in answers.failed_rows] == [(1, "x is not a number: 'oops'")]
    write_predictions(answers, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == '"00123","NA","1.50",1,0.75,"a"'


def test_rows_of_an_unknown_task_are_left_null_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,task\nbad,a\n1,c\n2,a\n3,\n")
    answers = answers_of(tmp_path / "rows.csv")
    assert answers.table.column("prediction").to_pylist() == [None, None, 1, 1]
    assert [(bad.row, bad.reason) for bad in answers.failed_rows] == [
        (0, "x is not a number: 'bad'"),
        (1, "task 'c' is not known (known tasks: 'a')"),
    ]


def test_a_task_in_the_name_of_a_folder_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "task=a").mkdir()
    (tmp_path / "task=a" / "rows.csv").write_text("x\n1\n")
    with pytest.raises(GrowLearnError, match="'task' is not in the file but in the name of its folder"):
        answers_of(tmp_path / "task=a" / "rows.csv")


def test_a_file_none_of_whose_rows_can_be_answered_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,task\n1,c\n")
    with pytest.raises(GrowLearnError, match="no row can be answered; the first: task 'c' is not known"):
        answers_of(tmp_path / "rows.csv")


@pytest.mark.parametrize("form", ["file", "stream"])
def test_both_forms_of_arrow_are_answered(form: str, tmp_path: Path) -> None:
    table = pa.table({"x": [1.0, 2.0]})
    new = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with pa.OSFile(str(tmp_path / "rows.arrow"), "wb") as sink, new(sink, table.schema) as writer:
        writer.write_table(table)
    assert answers_of(tmp_path / "rows.arrow").table.num_rows == 2


def test_columns_a_csv_cannot_hold_are_left_out_and_named(tmp_path: Path) -> None:
    columns: Mapping[str, Any] = {"x": [1.0], "image": pa.array([b"png"]), "list": [[1, 2]]}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    answers = answers_of(tmp_path / "rows.parquet")
    assert write_predictions(answers, tmp_path / "out" / "answers.csv") == ("image", "list")
    assert write_predictions(answers, tmp_path / "out" / "answers.parquet") == ()


def test_every_image_below_a_folder_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        number = 1
        manifest = Manifest(stream="s", schema=IMAGES, model=ModelConfig(), branches=(), tasks=HEADS)

    monkeypatch.setattr(predict_module, "_get_version", lambda *_: Found)
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "1.png").write_bytes(png(4))
    (tmp_path / "pets" / "2.png").write_bytes(png(4))
    (tmp_path / "pets" / "3.png").write_bytes(png(9))
    (tmp_path / "pets" / "notes.txt").write_text("no image")
    (tmp_path / "pets" / "cat" / "._1.png").write_bytes(b"\0\5\x16\7")  # what macOS leaves beside 1.png
    (tmp_path / "pets" / "@eaDir").mkdir()
    (tmp_path / "pets" / "@eaDir" / "thumbnail.jpg").write_bytes(png(4))
    answers = answers_of(tmp_path / "pets")
    assert answers.table.column("file").to_pylist() == ["./2.png", "./3.png", "./cat/1.png"]
    assert answers.table.column("prediction").to_pylist() == [1, None, 1]
    assert "has the wrong size" in answers.failed_rows[0].reason


def test_image_names_that_are_no_utf8_are_told_in_hex(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Found:
        number = 1
        manifest = Manifest(stream="s", schema=IMAGES, model=ModelConfig(), branches=(), tasks=HEADS)

    monkeypatch.setattr(predict_module, "_get_version", lambda *_: Found)
    for name in (b"\xe9.png", b"\xff.png"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(png(4))
    answers = answers_of(tmp_path)
    assert answers.table.column("file").to_pylist() == ["./\\xe9.png", "./\\xff.png"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".arrow"])
def test_columns_called_as_the_added_ones_give_way_however_many_there_are(
    suffix: str, tmp_path: Path
) -> None:
    table = pa.Table.from_arrays([[1.0], [5], [6]], names=["x", "prediction", "prediction"])
    path = tmp_path / f"rows{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, path)
    elif suffix == ".csv":
        path.write_text("x,prediction,prediction\n1,5,6\n")
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    answers = answers_of(path)
    assert answers.table.column_names == ["x", "prediction", "probability", "task"]
    assert answers.table.column("prediction").to_pylist() == [1]


def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match="holds no image"):
        answers_of(tmp_path)
