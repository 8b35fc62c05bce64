"""One picture has one answer: alone, beside bright ones, in every format, after every way of learning."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growlearn.domain.errors import GrowLearnError, InvalidFile
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job
from growlearn.domain.window import WindowState
from growlearn.ingest.rows import Rows
from growlearn.ingest.table_rows import read_table_rows
from growlearn.serving.frame_rows import read_frame_rows
from growlearn.serving.json_rows import parse_json_rows
from growlearn.serving.predictor import Predictor
from tests.unit.digits import Digits
from tests.unit.in_memory import JOB, World

BRIEF = GrowthConfig(epochs=1, batch_size=64, validation_fraction=0.2, augmentation="none")


def job_of(pixel_max: int | None) -> Job:
    image = replace(JOB.schema.inputs["image"], pixel_max=pixel_max)
    return replace(JOB, schema=replace(JOB.schema, inputs={"image": image}), growth=BRIEF)


def parquet(pixels: Any, kind: pa.DataType, labels: list[int | None]) -> bytes:
    sink = io.BytesIO()
    lists = pa.array(pixels.reshape(len(pixels), -1).tolist(), pa.list_(kind))
    pq.write_table(pa.table({"image": lists, "label": pa.array(labels, pa.int64())}), sink)
    return sink.getvalue()


class Learned:
    """The champion of a stream that learned from images as numbers of one type."""

    def __init__(self, folder: Path, digits: Digits, pixel_max: int | None, kind: pa.DataType) -> None:
        images, labels = digits
        self.world = World(folder, job_of(pixel_max))
        pixels = images[:200] / 255 if pixel_max == 1 else images[:200]
        self.world.source.put("1.parquet", parquet(pixels, kind, labels[:200]))
        (window,) = self.world.run()
        assert window.state is WindowState.PROMOTED
        manifest = self.world.store.versions("digits")[0].manifest
        self.predictor = Predictor(manifest, self.world.artifacts.get)

    def answer(self, rows: Rows) -> list[float]:
        return [float(probability) for probability in self.predictor.answer(rows).probability]

    def rows_of_json(self, pictures: list[Any]) -> Rows:
        parsed = parse_json_rows([{"image": picture} for picture in pictures], self.predictor.manifest)
        assert parsed.reasons == {}
        assert parsed.rows is not None
        return parsed.rows

    def rows_of_file(self, pixels: Any, kind: pa.DataType) -> Rows:
        blobs = {"a.parquet": parquet(pixels, kind, [None] * len(pixels))}
        rows, bad = read_table_rows(blobs, self.predictor.manifest.schema, for_prediction=True)
        assert bad == ()
        return rows


@pytest.mark.parametrize(
    ("pixel_max", "kind"), [(None, pa.uint8()), (None, pa.float64()), (1, pa.float64()), (1, pa.float32())]
)
def test_a_picture_has_one_answer(
    tmp_path: Path, digits: Digits, pixel_max: int | None, kind: pa.DataType
) -> None:
    learned = Learned(tmp_path, digits, pixel_max, kind)
    dark = np.zeros((1, 8, 8), np.uint8)
    dark[0, 2:5, 3] = 1  # of levels up to 255; in fractions it is white
    sent = dark.astype(float)
    bright = digits[0][:3].reshape(3, 8, 8) / (255 if pixel_max == 1 else 1.0)
    (wanted,) = learned.answer(learned.rows_of_file(sent, pa.float64()))

    whole = dark[0].tolist()
    batch = np.concatenate([bright, sent])
    for rows in (
        learned.rows_of_json([whole]),
        learned.rows_of_json([sent[0].tolist()]),
        learned.rows_of_json([*bright.tolist(), whole]),
        learned.rows_of_json(batch.tolist()),
        learned.rows_of_file(batch, pa.float64()),
        learned.rows_of_file(batch, pa.float32()),
        learned.rows_of_file(dark, pa.uint8()),
        read_frame_rows(pd.DataFrame({"image": list(batch.reshape(4, -1))}), learned.predictor.manifest),
    ):
        assert learned.answer(rows)[-1] == wanted
        assert rows.inputs["image"][-1].max() == (255 if pixel_max == 1 else 1)


def test_both_ways_of_learning_the_same_pictures_give_the_same_model(tmp_path: Path, digits: Digits) -> None:
    levels = Learned(tmp_path / "levels", digits, None, pa.uint8())
    fractions = Learned(tmp_path / "fractions", digits, 1, pa.float64())
    pixels = digits[0][200:230].reshape(-1, 8, 8)
    assert levels.answer(levels.rows_of_json(pixels.tolist())) == fractions.answer(
        fractions.rows_of_json((pixels / 255).tolist())
    )


@pytest.mark.parametrize(
    ("pixel_max", "sent", "reason"),
    [
        (None, 1 / 255, "image has fractions of 1 where 255 is white"),
        (1, 1.0, "image has values outside 0..1"),
    ],
)
def test_the_other_scale_is_refused_in_requests_and_files(
    tmp_path: Path, digits: Digits, pixel_max: int | None, sent: float, reason: str
) -> None:
    learned = Learned(tmp_path, digits, pixel_max, pa.float64())
    pixels = digits[0][200:230].reshape(-1, 8, 8) * sent
    parsed = parse_json_rows([{"image": pixels[0].tolist()}], learned.predictor.manifest)
    assert parsed.reasons[0].startswith(reason)
    with pytest.raises(GrowLearnError, match=reason):
        read_frame_rows(pd.DataFrame({"image": list(pixels.reshape(30, -1))}), learned.predictor.manifest)
    learned.world.source.put("2.parquet", parquet(pixels, pa.float64(), digits[1][200:230]))
    assert learned.world.run() == ()
    rejected = learned.world.store.windows("digits")[-1]
    assert rejected.state is WindowState.QUARANTINED
    assert rejected.reason is not None
    assert reason in rejected.reason


@pytest.mark.parametrize(
    ("pixel_max", "kind", "white"),
    [
        (None, pa.float64(), None),
        (None, pa.float32(), None),
        (None, pa.int64(), 1),
        (1, pa.float64(), 255),
        (255, pa.float64(), 1),
    ],
)
def test_black_and_white_fractions_are_not_taken_for_black(
    pixel_max: int | None, kind: pa.DataType, white: int | None
) -> None:
    """Release 0.1.0 read them by their file, with 1 as white; whole numbers were never fractions."""
    pixels = np.zeros((100, 8, 8))
    pixels[70, 2:5, 3] = 1
    blobs = {"a.parquet": parquet(pixels, kind, [1] * 100)}
    schema = job_of(pixel_max).schema
    if white is None:
        with pytest.raises(InvalidFile, match=r"needs pixel_max: 1 where 1 is white, or pixel_max: 255"):
            read_table_rows(blobs, replace(schema, task=None))
    else:
        rows, bad = read_table_rows(blobs, replace(schema, task=None))
        assert (rows.inputs["image"].max(), bad) == (white, ())
    black = {"a.parquet": parquet(np.zeros((2, 8, 8)), kind, [1] * 2)}
    assert read_table_rows(black, replace(schema, task=None))[0].inputs["image"].max() == 0


def test_a_job_may_say_later_what_is_white(tmp_path: Path, digits: Digits) -> None:
    """As one must whose stream learned from fractions before there was the key."""
    learned = Learned(tmp_path, digits, None, pa.uint8())
    world, (images, labels) = learned.world, digits
    job = replace(job_of(1), schema=replace(job_of(1).schema, task=None))
    world.store.apply(job, world.clock.now())
    world.source.put("2.parquet", parquet((255 - images[200:500]) / 255, pa.float64(), labels[200:500]))
    (window,) = world.run()
    assert window.rows == 300
    stored = world.ports.models.rows(window.snapshot or "", job.schema)
    assert stored.inputs["image"].max() == 255
    assert [
        version.manifest.schema.inputs["image"].pixel_max for version in world.store.versions("digits")
    ] == [255, 1]
