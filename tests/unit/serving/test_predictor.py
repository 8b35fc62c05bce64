"""Which task answers a row, and rows that no task can answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.job import ModelSpec
from growlearn.domain.lineage import BranchWeights, Manifest, TaskHead
from growlearn.domain.schema import Input, InputType, Label, Schema
from growlearn.growth.model import weights
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.router.router import grow_router
from growlearn.growth.stems.stem import new_stem
from growlearn.ingest.rows import Rows, object_column, row_keys
from growlearn.serving.predictor import Predictor, unanswerable

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER)}, task="task")
MODEL = ModelSpec(width=8, heads=2)


def rows_of(values: Sequence[float], tasks: Sequence[str | None] | None = None) -> Rows:
    inputs = {"x": np.array(values, dtype=np.float64)}
    named = None if tasks is None else object_column(tasks)
    return Rows(inputs, object_column([None] * len(values)), named, row_keys(inputs, SCHEMA))


def predictor(places: dict[str, float], classes: dict[str, tuple[Label, ...]] | None = None) -> Predictor:
    return Predictor(*parts_of(places, classes))


def parts_of(
    places: dict[str, float], classes: dict[str, tuple[Label, ...]] | None = None
) -> tuple[Manifest, Callable[[str], bytes]]:
    """One untrained head a task; the router knows each task by the place of its rows on the line."""
    artifacts, network = MemoryArtifacts(), GrowingNetwork(MODEL)
    torch.manual_seed(0)
    stem = new_stem(SCHEMA, MODEL, rows_of([-10.0, 0.0, 10.0]))
    network.add_branch("b1", Branch(MODEL), "b1", stem)
    entry = BranchWeights(id="b1", parent=None, stem="b1", sha256=artifacts.put(network.branch_weights("b1")))
    manifest = Manifest(stream="s", schema=SCHEMA, model=MODEL, branches=(entry,), tasks=())
    stem.requires_grad_(False)
    for name, place in places.items():
        sha256 = artifacts.put(weights.dump(Head(1, MODEL.width, 2).state_dict()))
        labels = (classes or {}).get(name, (0, 1))
        near = rows_of(np.linspace(place - 3, place + 3, 60).tolist())
        near.labels[:] = [labels[i % 2] for i in range(60)]
        router = grow_router(manifest, stem, name, labels, (near, near), artifacts.get, artifacts.put, seed=0)
        head = TaskHead(name=name, classes=labels, lineage=("b1",), sha256=sha256)
        manifest = replace(manifest, tasks=(*manifest.tasks, head), router=router)
    return manifest, artifacts.get


PLACES = {"a": -8.0, "b": 0.0, "a/2": 8.0}


def answered_by(model: Predictor, values: Sequence[float], tasks: Sequence[str | None] | None) -> list[str]:
    return list(model.answer(rows_of(values, tasks))[2])


def test_rows_without_a_task_column_go_to_the_nearest_task() -> None:
    assert answered_by(predictor(PLACES), [-8, 0, 8], None) == ["a", "b", "a/2"]


def test_a_label_is_spelt_as_answers_are() -> None:
    mixed = predictor(PLACES, {"b": ("x", "y")})
    assert [mixed.spelt(label) for label in (1, "x")] == ["1", "x"]
    assert predictor(PLACES).spelt(1) == 1
    assert mixed.answer(rows_of([0.0], ["b"]))[0].tolist() in (["x"], ["y"])


def test_a_row_that_leaves_its_task_open_is_routed_and_its_neighbours_are_not() -> None:
    assert answered_by(predictor(PLACES), [8, 8, -8], [None, "b", None]) == ["a/2", "b", "a"]


def test_a_named_task_is_answered_by_its_nearest_regime_and_never_by_another_task() -> None:
    assert answered_by(predictor(PLACES), [-8, 8, 0.5, 0], ["a", "a", "a", "b"]) == ["a", "a/2", "a/2", "b"]


def test_a_task_of_which_only_a_later_regime_is_left_is_answered_by_it() -> None:
    assert answered_by(predictor({"b": 0.0, "a/2": 8.0}), [-8], ["a"]) == ["a/2"]


def test_unknown_tasks_are_named_row_by_row() -> None:
    manifest = predictor(PLACES).manifest
    found = unanswerable(rows_of([1, 2, 3, 4], ["a", "c", None, "a/2"]), manifest)
    assert found == {1: "task 'c' is not known (known tasks: 'a', 'b', 'a/2')"}
    assert unanswerable(rows_of([1]), manifest) == {}


def test_a_frame_with_an_unknown_task_is_refused_naming_the_row() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "task": ["a", "c"]})
    with pytest.raises(GrowLearnError, match="row 1 cannot be answered: task 'c' is not known"):
        predictor(PLACES).predict(frame)


def test_a_frame_keeps_its_index_and_open_tasks_are_routed() -> None:
    frame = pd.DataFrame({"x": [8.0, 0.0], "task": [None, "b"]}, index=[7, 3])
    answers = predictor(PLACES).predict(frame)
    assert list(answers.index) == [7, 3]
    assert list(answers["task"]) == ["a/2", "b"]
    assert answers["probability"].between(0.5, 1).all()


def test_a_frame_of_mixed_cells_is_refused_naming_the_column() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "note": [1, "two"]})
    with pytest.raises(GrowLearnError, match=r"the rows cannot be read: .*note"):
        predictor(PLACES).predict(frame)


def test_a_frame_with_a_column_twice_is_refused() -> None:
    frame = pd.DataFrame([[1.0, 2.0]], columns=["x", "x"])
    with pytest.raises(GrowLearnError, match="x"):
        predictor(PLACES).predict(frame)


def test_labels_are_of_one_kind_even_where_the_tasks_are_not() -> None:
    model = predictor({"a": -8.0, "b": 8.0}, {"a": (0, 1), "b": ("cat", "dog")})
    prediction = model.answer(rows_of([-8, 8]))[0]
    assert set(map(type, prediction)) == {str}
    assert prediction[0] in ("0", "1")


def test_a_row_less_probable_than_asked_for_is_left_open() -> None:
    model, rows = predictor(PLACES), rows_of(np.linspace(-12, 12, 200).tolist())
    prediction, probability, task = model.answer(rows)
    least = float(np.median(probability))
    left, same, routed = model.answer(rows, least)
    assert [label is None for label in left] == (probability < least).tolist()
    assert (left[probability >= least] == prediction[probability >= least]).all()
    assert (same == probability).all()
    assert (routed == task).all()
    frame = model.predict(pd.DataFrame({"x": np.linspace(-12, 12, 200)}), min_probability=least)
    assert 0 < frame["prediction"].isna().sum() <= 100


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_probability_is_between_0_and_1(wrong: float) -> None:
    with pytest.raises(GrowLearnError, match="min_probability"):
        predictor(PLACES).answer(rows_of([0.0]), wrong)


def test_a_model_without_tasks_says_what_it_needs() -> None:
    manifest = replace(predictor(PLACES).manifest, tasks=())
    with pytest.raises(GrowLearnError, match="has not learned a task yet"):
        Predictor(manifest, MemoryArtifacts().get)


@pytest.mark.parametrize("execution", Execution)
def test_however_branches_are_run_the_answers_are_the_same_but_for_rounding(execution: Execution) -> None:
    manifest, read = parts_of(PLACES)
    expected, rows = Predictor(manifest, read).answer(rows_of([-8, 0, 8])), rows_of([-8, 0, 8])
    prediction, probability, task = Predictor(manifest, read, execution).answer(rows)
    assert (prediction == expected[0]).all()
    assert (task == expected[2]).all()
    assert np.abs(probability - expected[1]).max() < 1e-5
