"""The label queue: which rows it names first, and that the filled file is read as their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from growlearn.app.label_queue import LabelQueue, build_label_queue, check_out_path
from growlearn.app.predict_file import write_table
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import SourceConfig
from growlearn.serving.predictor import Predictor
from tests.unit.delayed_labels import DAY_S, DRIFTED, JOB, LATER, World


def queue(world: World, max_rows: int = 10, **options: Any) -> LabelQueue:
    now = world.clock.now()
    return build_label_queue(world.store, world.artifacts, "digits", now, max_rows, Predictor, **options)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Window w2 waits for labels, w3 is stable and has none."""
    world = World(tmp_path_factory.mktemp("queue"))
    world.learn_first()
    world.send_rows(DRIFTED)
    world.send_rows(LATER, inverted=False)
    world.run()
    assert [state for state, _ in world.states] == ["promoted", "awaiting_labels", "skipped"]
    return world


def test_the_least_sure_rows_of_the_waiting_window_come_first(waiting: World) -> None:
    found = queue(waiting, 20)
    table = found.table.to_pydict()
    assert (found.total, set(table["window"]), table["label"]) == (600, {"w2"}, [None] * 20)
    assert table["probability"] == sorted(table["probability"])
    assert {int(row_id) for row_id in table["id"]} < set(DRIFTED)
    version = waiting.store.versions("digits")[-1]
    window = waiting.store.window("digits", "w2")
    rows = waiting.ports.models.rows(window.snapshot or "", JOB.schema)
    probabilities = Predictor(version.manifest, waiting.artifacts.get).answer(rows).probability
    np.testing.assert_allclose(table["probability"], np.sort(probabilities)[:20])
    assert table["input_image"][0] == (255 - waiting.images[int(table["id"][0])]).reshape(-1).tolist()


def test_other_windows_follow_once_the_waiting_ones_are_exhausted(waiting: World) -> None:
    windows = queue(waiting, 310).table.column("window").to_pylist()
    assert windows == ["w2"] * 300 + ["w3"] * 10


def test_random_rows_are_the_same_each_time_and_not_the_least_sure(waiting: World) -> None:
    first, second = (queue(waiting, 20, at_random=True).table.to_pydict() for _ in range(2))
    assert first["id"] == second["id"]
    assert set(first["reason"]) == {"random"}
    assert first["id"] != queue(waiting, 20).table.column("id").to_pylist()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_filled_queue_is_taken_back_as_labels(tmp_path: Path, suffix: str) -> None:
    world = World(tmp_path / "home")
    world.send_rows(DRIFTED)
    world.run()
    found = queue(world, 60)
    assert (set(found.table.column("reason").to_pylist()), found.total) == ({"new task"}, 300)
    out = tmp_path / f"queue{suffix}"
    write_table(found.table, out)
    table = pacsv.read_csv(out) if suffix == ".csv" else pq.read_table(out)
    labels = [world.labels[int(row_id)] for row_id in table.column("id").to_pylist()]
    filled = table.set_column(table.column_names.index("label"), "label", pa.array(labels))
    world.send("labels", dict(zip(filled.column_names, filled.columns, strict=True)))
    world.run()
    (window,) = world.store.windows("digits")
    assert window.labelled == 60
    left = set(queue(world, 1000).table.column("id").to_pylist())
    assert left == {str(row) for row in DRIFTED} - set(found.table.column("id").to_pylist())


def other_job(world: World, **changes: Any) -> None:
    world.store.apply(replace(JOB, **changes), world.clock.now())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda world: other_job(world, schema=replace(JOB.schema, id_column=None)), "no id column"),
        (lambda world: world.clock.advance(31 * DAY_S), "no row of stream 'digits' awaits a label"),
    ],
)
def test_without_rows_that_a_label_could_reach_it_says_why(
    tmp_path: Path, change: Callable[[World], None], told: str
) -> None:
    world = World(tmp_path)
    world.send_rows(DRIFTED)
    world.run()
    change(world)
    with pytest.raises(GrowLearnError, match=told):
        queue(world)


def test_a_queue_is_not_written_where_it_would_be_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    other_job(world, source=SourceConfig(url=str(tmp_path / "in")))
    stream = world.store.stream("digits")
    check_out_path(stream, tmp_path / "queue.csv")
    with pytest.raises(GrowLearnError, match="before anybody has labelled it"):
        check_out_path(stream, tmp_path / "in" / "queue.csv")
