"""Which task predicts a row, and rows that no task can predict."""

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
from growlearn.domain.lineage import BranchWeights, Calibration, Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.model import weights
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.router.routed_inference import shown_labels
from growlearn.network.router.router import add_task_to_router
from growlearn.network.stems.stem import make_stem
from growlearn.serving.known_tasks import find_unknown_task_rows
from growlearn.serving.predictor import Predictor

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, task="task")
MODEL = ModelConfig(embed_dim=8, num_heads=2)


def rows_of(values: Sequence[float], tasks: Sequence[str | None] | None = None) -> Rows:
    inputs = {"x": np.array(values, dtype=np.float64)}
    named = None if tasks is None else object_column(tasks)
    return Rows(inputs, object_column([None] * len(values)), named, hash_rows(inputs, SCHEMA))


def predictor(positions: dict[str, float], classes: dict[str, tuple[Label, ...]] | None = None) -> Predictor:
    return Predictor(*parts_of(positions, classes))


def parts_of(
    positions: dict[str, float], classes: dict[str, tuple[Label, ...]] | None = None
) -> tuple[Manifest, Callable[[str], bytes]]:
    """One untrained head per task; the router tells tasks apart by the position of their rows on a line."""
    artifacts, network = MemoryArtifacts(), GrowingNetwork(MODEL)
    torch.manual_seed(0)
    stem = make_stem(SCHEMA, MODEL, rows_of([-10.0, 0.0, 10.0]))
    network.add_branch("b1", ResidualBranch(MODEL), "b1", stem)
    entry = BranchWeights(id="b1", parent=None, stem="b1", sha256=artifacts.put(network.dump_branch("b1")))
    manifest = Manifest(stream="s", schema=SCHEMA, model=MODEL, branches=(entry,), tasks=())
    stem.requires_grad_(False)
    for name, position in positions.items():
        sha256 = artifacts.put(weights.dump_weights(Head(2, MODEL.embed_dim, 2).state_dict()))
        labels = (classes or {}).get(name, (0, 1))
        near = rows_of(np.linspace(position - 3, position + 3, 60).tolist())
        near.labels[:] = [labels[i % 2] for i in range(60)]
        router = add_task_to_router(
            manifest, stem, name, labels, (near, near), artifacts.get, artifacts.put, seed=0
        )
        head = TaskHead(name=name, classes=labels, lineage=("b1",), sha256=sha256)
        manifest = replace(manifest, tasks=(*manifest.tasks, head), router=router)
    return manifest, artifacts.get


POSITIONS = {"a": -8.0, "b": 0.0, "a/2": 8.0}


def predicted_tasks(
    model: Predictor, values: Sequence[float], tasks: Sequence[str | None] | None
) -> list[str]:
    return list(model.predict_rows(rows_of(values, tasks))[2])


def test_rows_without_a_task_column_go_to_the_nearest_task() -> None:
    assert predicted_tasks(predictor(POSITIONS), [-8, 0, 8], None) == ["a", "b", "a/2"]


def test_a_label_is_formatted_as_predictions_are() -> None:
    mixed = predictor(POSITIONS, {"b": ("x", "y")})
    assert [mixed.format_label(label) for label in (1, "x")] == ["1", "x"]
    assert predictor(POSITIONS).format_label(1) == 1
    assert mixed.predict_rows(rows_of([0.0], ["b"]))[0].tolist() in (["x"], ["y"])


def test_a_row_without_a_task_is_routed_and_rows_with_a_task_are_not() -> None:
    assert predicted_tasks(predictor(POSITIONS), [8, 8, -8], [None, "b", None]) == ["a/2", "b", "a"]


def test_a_named_task_is_predicted_tasks_its_own_versions_only() -> None:
    assert predicted_tasks(predictor(POSITIONS), [-8, 8, 3, 0], ["a", "a", "a", "b"]) == [
        "a",
        "a/2",
        "a/2",
        "b",
    ]


def test_a_task_of_which_only_a_later_regime_is_left_is_predicted_tasks_it() -> None:
    assert predicted_tasks(predictor({"b": 0.0, "a/2": 8.0}), [-8], ["a"]) == ["a/2"]


def test_unknown_tasks_are_named_row_by_row() -> None:
    manifest = predictor(POSITIONS).manifest
    unknown = find_unknown_task_rows(rows_of([1, 2, 3, 4], ["a", "c", None, "a/2"]), manifest)
    assert unknown == {1: "task 'c' is not known (known tasks: 'a', 'b', 'a/2')"}
    assert find_unknown_task_rows(rows_of([1]), manifest) == {}


def test_a_frame_with_an_unknown_task_is_an_error_naming_the_row() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "task": ["a", "c"]})
    with pytest.raises(GrowLearnError, match="row 1 cannot be predicted: task 'c' is not known"):
        predictor(POSITIONS).predict(frame)


def test_a_frame_keeps_its_index_and_open_tasks_are_routed() -> None:
    frame = pd.DataFrame({"x": [8.0, 0.0], "task": [None, "b"]}, index=[7, 3])
    predictions = predictor(POSITIONS).predict(frame)
    assert list(predictions.index) == [7, 3]
    assert list(predictions["task"]) == ["a/2", "b"]
    assert predictions["probability"].between(0.5, 1).all()


def test_a_frame_of_mixed_cells_is_refused_naming_the_column() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "note": [1, "two"]})
    with pytest.raises(GrowLearnError, match=r"the rows cannot be read: .*note"):
        predictor(POSITIONS).predict(frame)


def test_a_frame_with_a_column_twice_is_refused() -> None:
    frame = pd.DataFrame([[1.0, 2.0]], columns=["x", "x"])
    with pytest.raises(GrowLearnError, match="x"):
        predictor(POSITIONS).predict(frame)


def test_labels_are_of_one_kind_even_where_the_tasks_are_not() -> None:
    model = predictor({"a": -8.0, "b": 8.0}, {"a": (0, 1), "b": ("cat", "dog")})
    prediction = model.predict_rows(rows_of([-8, 8]))[0]
    assert set(map(type, prediction)) == {str}
    assert prediction[0] in ("0", "1")


def test_labels_that_are_one_as_text_are_one_class() -> None:
    model = predictor({"a": -8.0, "b": 8.0}, {"a": (2, 10), "b": ("10", "cat")})
    assert shown_labels(model.manifest) == model.labels == ("2", "10", "cat")
    answers = model.answer(rows_of([-8, 8]), proba=True)
    assert answers.class_probabilities.sum(axis=1).tolist() == pytest.approx([1, 1])
    assert answers.class_probabilities.argmax(axis=1).tolist() == [
        model.labels.index(label) for label in answers.prediction
    ]


def test_a_row_below_the_minimum_probability_has_no_prediction() -> None:
    model, rows = predictor(POSITIONS), rows_of(np.linspace(-12, 12, 200).tolist())
    prediction, probability, task = model.predict_rows(rows)
    min_probability = float(np.median(probability))
    left, same, routed = model.predict_rows(rows, min_probability)
    assert [label is None for label in left] == (probability < min_probability).tolist()
    assert (left[probability >= min_probability] == prediction[probability >= min_probability]).all()
    assert (same == probability).all()
    assert (routed == task).all()
    frame = model.predict(pd.DataFrame({"x": np.linspace(-12, 12, 200)}), min_probability=min_probability)
    assert 0 < frame["prediction"].isna().sum() <= 100


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_the_minimum_probability_is_between_0_and_1(wrong: float) -> None:
    with pytest.raises(GrowLearnError, match="min_probability"):
        predictor(POSITIONS).predict_rows(rows_of([0.0]), wrong)


def test_a_model_without_tasks_says_what_it_needs() -> None:
    manifest = replace(predictor(POSITIONS).manifest, tasks=())
    with pytest.raises(GrowLearnError, match="has not learned a task yet"):
        Predictor(manifest, MemoryArtifacts().get)


@pytest.mark.parametrize("execution", Execution)
def test_every_execution_gives_the_same_predictions_up_to_rounding(execution: Execution) -> None:
    manifest, read = parts_of(POSITIONS)
    expected, rows = Predictor(manifest, read).predict_rows(rows_of([-8, 0, 8])), rows_of([-8, 0, 8])
    prediction, probability, task = Predictor(manifest, read, execution).predict_rows(rows)
    assert (prediction == expected[0]).all()
    assert (task == expected[2]).all()
    assert np.abs(probability - expected[1]).max() < 1e-5


def test_a_required_column_without_a_value_is_refused_and_another_is_answered() -> None:
    manifest, read = parts_of({"left": -5.0})
    frame = pd.DataFrame({"x": [1.0, np.nan]})
    assert Predictor(manifest, read).predict(frame)["probability"].between(0, 1).all()
    required = Schema(inputs={"x": InputColumn(type=InputType.NUMBER, required=True)}, task="task")
    with pytest.raises(GrowLearnError, match="row 1 cannot be predicted: x is missing"):
        Predictor(replace(manifest, schema=required), read).predict(frame)
    infinite = pd.DataFrame({"x": [1.0, np.inf]})
    with pytest.raises(GrowLearnError, match="row 1 cannot be predicted: x is infinite"):
        Predictor(manifest, read).predict(infinite)


def test_the_probabilities_of_all_classes_sum_to_one_and_are_zero_for_other_tasks_classes() -> None:
    model = predictor(POSITIONS, {"b": ("x", "y")})
    frame = pd.DataFrame({"x": [-8.0, 0.0, 8.0], "task": ["a", "b", None]})
    answers = model.predict(frame, proba=True)
    names = [f"probability_{label}" for label in ("0", "1", "x", "y")]
    assert list(answers.columns) == ["prediction", "probability", "task", *names]
    probabilities = answers[names].to_numpy()
    assert probabilities.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-12)
    assert (probabilities[[0, 2]][:, 2:] == 0).all()
    assert (probabilities[1, :2] == 0).all()
    predicted = [f"probability_{label}" for label in answers["prediction"]]
    assert answers[predicted[1]][1] == pytest.approx(answers["probability"][1])
    assert answers["probability"][2] < answers[predicted[2]][2]  # it was routed


def test_probabilities_are_those_of_the_calibrated_head_and_the_prediction_stays() -> None:
    manifest, read = parts_of({"a": 0.0})
    rows = rows_of(np.linspace(-3, 3, 50).tolist(), ["a"] * 50)
    plain = Predictor(manifest, read).answer(rows, proba=True)
    soft = replace(manifest.tasks[0], calibration=Calibration(temperature=4.0))
    calibrated = Predictor(replace(manifest, tasks=(soft,)), read).answer(rows, proba=True)
    assert calibrated.prediction.tolist() == plain.prediction.tolist()
    log_odds = [
        np.log(item.class_probabilities[:, 1] / item.class_probabilities[:, 0])
        for item in (plain, calibrated)
    ]
    assert log_odds[0] / 4 == pytest.approx(log_odds[1], abs=1e-5)


def test_a_threshold_decides_between_two_classes_and_leaves_the_probabilities() -> None:
    manifest, read = parts_of({"a": 0.0})
    rows = rows_of(np.linspace(-3, 3, 50).tolist(), ["a"] * 50)
    plain = Predictor(manifest, read).answer(rows, proba=True)
    threshold = float(np.quantile(plain.class_probabilities[:, 1], 0.7))
    head = replace(manifest.tasks[0], threshold=threshold)
    answers = Predictor(replace(manifest, tasks=(head,)), read).answer(rows, proba=True)
    assert np.array_equal(answers.class_probabilities, plain.class_probabilities)
    assert answers.prediction.tolist() == (plain.class_probabilities[:, 1] > threshold).astype(int).tolist()
    chosen = answers.class_probabilities[np.arange(50), answers.prediction.astype(int)]
    assert answers.probability == pytest.approx(chosen)


def test_without_asking_no_class_has_a_column() -> None:
    answers = predictor({"a": 0.0}).answer(rows_of([0.0], ["a"]))
    assert answers.class_probabilities.shape == (1, 0)
