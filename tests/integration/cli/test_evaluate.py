"""`growlearn evaluate` on real handwritten digits; all it shows is found again from the record alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.app.demo.digits import deliver_file
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias
from growlearn.evaluation.predictions import load_predictions
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.network.model.network import load_network
from growlearn.ports import Artifacts, Store
from growlearn.serving.predictor import Predictor

JOB = """\
name: digits
source: {type: folder, url: incoming, min_file_age_s: 0}
schema:
  inputs:
    image: {type: image, shape: [1, 8, 8]}
model: {embed_dim: 16, num_heads: 2, patch_size: 2}
growth: {epochs: 8, batch_size: 16, validation_fraction: 0.2}
drift: {alpha: 0.001}
evaluation: {single_task_baseline: true}
baseline_comparison: {baselines: []}
holdout: {fraction: 0.2}
"""


@dataclass(frozen=True)
class Evaluated:
    """The output of the command, and the store it was read from."""

    place: Any
    said: Any
    store: Store
    artifacts: Artifacts

    def version(self, number: int) -> Version:
        return next(each for each in self.store.versions("digits") if each.number == number)

    def holdout(self, task: str) -> Rows:
        digest = next(each.holdout for each in self.store.tasks("digits") if each.name == task)
        return from_parquet(self.artifacts.get(digest), self.version(1).manifest.schema).select_labelled()

    def answers(self, number: int, task: str, rows_of: str) -> tuple[list[Any], list[Any]]:
        """Labels and answers of a version's head for the hold-out of a task, asked anew."""
        rows, manifest = self.holdout(rows_of), self.version(number).manifest
        places = load_network(manifest, self.artifacts.get).logits(rows, task).argmax(axis=1)
        return rows.labels.tolist(), [manifest.task(task).classes[place] for place in places]


@pytest.fixture(scope="module")
def evaluated(make_place: Callable[[str], Any]) -> Iterator[Evaluated]:
    """Digits of three deliveries: upright, upright again, and turned."""
    place = make_place("evaluated")
    (place.folder / "digits.yaml").write_text(JOB)
    for delivery in range(3):
        deliver_file(delivery, place.folder / "incoming")
    done = place.growlearn("run", "digits.yaml")
    assert done.code == 0, done.err
    said = place.growlearn("evaluate", "digits", "--prequential", "--json")
    assert said.code == 0, said.err
    home = place.folder / ".growlearn"
    with open_db_store(f"sqlite:///{home}/growlearn.db") as store:
        yield Evaluated(place, said.json, store, FileArtifacts(str(home / "artifacts")))


def test_json_has_the_documented_keys(evaluated: Evaluated) -> None:
    said = evaluated.said
    assert list(said) == ["stream", "version", "parent", "tasks", "prequential"]
    assert (said["stream"], said["version"], said["parent"]) == ("digits", 2, 1)
    flips = ["flips_against", "negative_flips", "negative_flip_rate", "positive_flips", "positive_flip_rate"]
    first = ["task", "rows", "correct", "accuracy", "interval", "routed_accuracy", "calibration_error"]
    for task in said["tasks"]:
        by_metric = ["metric", "value", "routed_value", "positive_class", "threshold"]
        assert list(task) == [*first, *flips, "classes", "confusion", "reliability", *by_metric]
        assert (task["metric"], task["value"], task["threshold"]) == ("accuracy", task["accuracy"], None)
        assert list(task["classes"][0]) == ["class", "rows", "accuracy", "precision", "recall", "f1"]
        assert list(task["reliability"][0]) == ["above", "up_to", "rows", "confidence", "accuracy"]
    score, figures = said["prequential"], ["metric", "value", "undefined"]
    assert (score["metric"], score["value"], score["undefined"]) == ("accuracy", score["accuracy"], [])
    assert list(score) == ["accuracy", "interval", "mean_accuracy", "rows", "windows", "excluded", *figures]
    keys = ["window", "task", "version", "rows", "correct", "unanswered", "accuracy", "interval", "value"]
    assert all(list(window) == keys for window in score["windows"])


def test_scikit_learn_finds_each_class_again_in_answers_asked_anew(evaluated: Evaluated) -> None:
    for told in evaluated.said["tasks"]:
        labels, answers = evaluated.answers(2, told["task"], told["task"])
        classes = [each["class"] for each in told["classes"]]
        assert told["accuracy"] == accuracy_score(labels, answers)
        assert told["confusion"][:-1] == confusion_matrix(labels, answers, labels=classes).tolist()
        assert told["confusion"][-1] == [0] * len(classes)
        for figure, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
            theirs = score(labels, answers, labels=classes, average=None, zero_division=np.nan)
            mine = [np.nan if each[figure] is None else each[figure] for each in told["classes"]]
            assert mine == pytest.approx(theirs.tolist(), nan_ok=True), figure


def test_the_accuracy_without_a_tasks_name_is_that_of_the_model_as_served(
    evaluated: Evaluated,
) -> None:
    champion = Predictor(evaluated.version(2).manifest, evaluated.artifacts.get)
    for told in evaluated.said["tasks"]:
        rows = evaluated.holdout(told["task"])
        answers, _, _ = champion.predict_rows(rows)
        assert told["routed_accuracy"] == (answers == rows.labels).mean()


def test_the_calibration_error_is_found_again_in_the_stored_answers(evaluated: Evaluated) -> None:
    evaluation = evaluated.store.window_record("digits", evaluated.version(2).window).evaluation
    assert evaluation is not None
    for told, cell in zip(evaluated.said["tasks"], evaluation.task_scores, strict=True):
        stored = load_predictions(evaluated.artifacts.get(str(cell.logits_sha256)))
        odds = np.exp(stored.logits.astype(float))
        sure = odds.max(axis=1) / odds.sum(axis=1)
        error = 0.0
        for place in range(15):
            inside = (sure > place / 15) & (sure <= (place + 1) / 15)
            if inside.any():
                error += inside.mean() * abs(stored.correct[inside].mean() - sure[inside].mean())
        assert told["calibration_error"] == pytest.approx(error)


def test_flips_are_found_again_by_asking_the_version_before(evaluated: Evaluated) -> None:
    for told in evaluated.said["tasks"]:
        labels, answers = evaluated.answers(2, told["task"], told["task"])
        _, before = evaluated.answers(1, told["flips_against"], told["task"])
        rows = list(zip(labels, before, answers, strict=True))
        assert told["negative_flips"] == sum(old == label != new for label, old, new in rows)
        assert told["positive_flips"] == sum(old != label == new for label, old, new in rows)
        assert told["negative_flip_rate"] == told["negative_flips"] / len(rows)
    kept, new = evaluated.said["tasks"]
    assert (kept["negative_flips"], kept["positive_flips"], kept["flips_against"]) == (0, 0, "task-1")
    assert (new["flips_against"], new["positive_flips"] > 0) == ("task-1", True)


def test_intransigence_is_found_again_in_the_record(evaluated: Evaluated) -> None:
    matrix = evaluated.place.growlearn("matrix", "digits", "--json").json
    evaluation = evaluated.store.window_record("digits", evaluated.version(2).window).evaluation
    assert evaluation is not None
    assert evaluation.single_task is not None
    alone = evaluation.single_task.correct / evaluation.single_task.rows
    first = evaluated.store.window_record("digits", evaluated.version(1).window).evaluation
    assert first is not None
    assert first.single_task is not None
    gaps = (first.single_task.accuracy - matrix["accuracy"][0][0], alone - matrix["accuracy"][1][1])
    assert matrix["intransigence"] == pytest.approx(sum(gaps) / 2)


def test_the_composite_score_is_found_again_window_by_window(evaluated: Evaluated) -> None:
    score = evaluated.said["prequential"]
    moves = [move.after for move in evaluated.store.alias_changes("digits") if move.alias is Alias.CHAMPION]
    assert moves == [1, 2]
    assert [(window["window"], window["version"]) for window in score["windows"]] == [("w2", 1), ("w3", 1)]
    assert score["excluded"] == [{"window": "w1", "reason": "no champion yet"}]
    champion = Predictor(evaluated.version(1).manifest, evaluated.artifacts.get)
    for told in score["windows"]:
        snapshot = str(evaluated.store.window("digits", told["window"]).snapshot)
        rows = from_parquet(evaluated.artifacts.get(snapshot), champion.manifest.schema)
        assert told["correct"] == (champion.predict_rows(rows)[0] == rows.labels).sum()
        assert (told["rows"], told["unanswered"]) == (len(rows), 0)
    assert score["accuracy"] == sum(window["correct"] for window in score["windows"]) / score["rows"]
    mean_accuracy = np.mean([window["accuracy"] for window in score["windows"]])
    assert score["mean_accuracy"] == pytest.approx(mean_accuracy)


def test_mlflow_shows_the_same(evaluated: Evaluated) -> None:
    from growlearn.adapters.mlflow.client import open_client  # noqa: PLC0415 - slow

    client = open_client(f"sqlite:///{evaluated.place.folder}/.growlearn/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'growlearn/digits'")
    (run,) = client.search_runs([experiment.experiment_id], "run_name = 'w3'")
    for told in evaluated.said["tasks"]:
        logged = [run.data.metrics[f"accuracy_{end}/{told['task']}"] for end in ("low", "high")]
        assert logged == told["interval"]
        assert run.data.metrics[f"calibration_error/{told['task']}"] == told["calibration_error"]
        assert run.data.metrics[f"negative_flip_rate/{told['task']}"] == told["negative_flip_rate"]
    matrix = evaluated.place.growlearn("matrix", "digits", "--json").json
    assert run.data.metrics["intransigence"] == matrix["intransigence"]


def test_one_task_is_shown_with_its_classes_and_a_life_window_by_window(evaluated: Evaluated) -> None:
    shown = evaluated.place.growlearn("evaluate", "digits", "--task", "task-2", "--prequential")
    assert shown.code == 0, shown.err
    for words in (
        "calibration error",
        "before, task 'task-1' answered these rows best",
        "precision",
        "true class, answered as",
        "mean confidence",
        "prequential accuracy",
        "excluded: 1 windows (no champion yet)",
    ):
        assert words in shown.out, shown.out
    assert "windows: 3 of 3" in shown.err
    one = evaluated.place.growlearn("evaluate", "digits", "--task", "task-2", "--json").json
    assert ([each["task"] for each in one["tasks"]], one["prequential"]) == (["task-2"], None)


def test_an_earlier_version_is_shown_as_it_was(evaluated: Evaluated) -> None:
    first = evaluated.place.growlearn("evaluate", "digits", "1", "--json").json
    assert (first["version"], first["parent"]) == (1, None)
    (only,) = first["tasks"]
    assert (only["accuracy"], only["flips_against"], only["negative_flips"]) == (
        evaluated.said["tasks"][0]["accuracy"],
        None,
        None,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope",), "there is no stream 'nope'"),
        (("digits", "9"), "there is no version 9"),
        (("digits", "--task", "x"), "stream 'digits' has no task 'x' (known tasks: task-1, task-2)"),
    ],
)
def test_what_is_not_there_is_named(evaluated: Evaluated, arguments: tuple[str, ...], said: str) -> None:
    done = evaluated.place.growlearn("evaluate", *arguments)
    assert (done.code, done.out, said in done.err) == (1, "", True), done.err


def test_a_stream_that_has_learned_nothing_has_nothing_to_show(empty_place: Any) -> None:
    assert empty_place.growlearn("apply", "blobs.yaml").code == 0
    assert empty_place.growlearn("evaluate", "blobs").out == "no tasks yet\n"
    empty = empty_place.growlearn("evaluate", "blobs", "--prequential", "--json").json
    assert (empty["version"], empty["tasks"]) == (None, [])
    assert (empty["prequential"]["accuracy"], empty["prequential"]["windows"]) == (None, [])
