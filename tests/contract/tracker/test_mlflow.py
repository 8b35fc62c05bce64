"""What MLflow shows of a cycle, and what becomes of one that was told by halves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
import pytest
import torch

from growlearn.adapters.mlflow import runs, versions
from growlearn.adapters.mlflow.errors import TrackerUnavailable
from growlearn.adapters.mlflow.quiet import quietly
from growlearn.adapters.mlflow.tracker import MlflowTracker
from growlearn.domain.errors import DamagedArtifact, GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.stream import Alias, Stream
from growlearn.ports import CycleRecord
from growlearn.serving.predictor import Predictor

if TYPE_CHECKING:
    from tests.contract.tracker.conftest import ToldMlflow as Told


EVALUATION = [
    "accuracy.png",
    "classes.json",
    "confusion.json",
    "confusion.png",
    "matrix.json",
    "reliability.json",
    "reliability.png",
    "tasks.json",
]


@pytest.fixture
def told(mlflow_told: Told) -> Told:
    return mlflow_told


@pytest.fixture
def chosen(told: Told) -> Iterator[None]:
    """The store under test as the one that MLflow's module functions use."""
    mlflow.set_tracking_uri(told.uri)
    yield
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


class Killed(BaseException):
    """Stands for a process that ends here."""


def everything_of(told: Told, of: Stream, window: str) -> dict[str, Any]:
    """All MLflow keeps of a window, without the names MLflow gives at random."""
    run = told.run(of.name, window)
    history = {key: told.client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    found = told.client.search_model_versions(f"name = '{of.job.registered_model}'")
    models = told.client.search_logged_models([run.info.experiment_id])
    return {
        "status": run.info.status,
        "times": (run.info.start_time, run.info.end_time),
        "tags": run.data.tags,
        "params": run.data.params,
        "metrics": {
            key: sorted((each.step, each.timestamp, each.value) for each in points)
            for key, points in history.items()
        },
        "inputs": run.inputs.to_dictionary()["dataset_inputs"],
        "outputs": len(run.outputs.model_outputs),
        "files": files_below(told, run.info.run_id),
        "versions": [(each.version, each.tags, each.description) for each in found],
        "models": [(each.name, str(each.status), each.tags) for each in models],
    }


def files_below(told: Told, run_id: str, path: str | None = None) -> list[str]:
    found: list[str] = []
    for each in told.client.list_artifacts(run_id, path):
        found += files_below(told, run_id, each.path) if each.is_dir else [each.path]
    return sorted(found)


def read(told: Told, run_id: str, path: str, folder: Path) -> str:
    return Path(told.client.download_artifacts(run_id, path, str(folder))).read_text()


def test_a_run_tells_the_whole_cycle(
    told: Told, of: Stream, grown_cycle: CycleRecord, tmp_path: Path
) -> None:
    receipt = told.tracker.log_cycle(grown_cycle)
    seen = everything_of(told, of, "w1")
    assert seen["status"] == "FINISHED"
    at = [grown_cycle.window.discovered_at, grown_cycle.window.updated_at]
    assert seen["times"] == tuple(int(each.timestamp() * 1000) for each in at)
    wanted = {"stream": of.name, "window": "w1", "verdict": "first", "state": "promoted", "task": "a/b"}
    assert {f"growlearn.{key}": value for key, value in wanted.items()}.items() <= seen["tags"].items()
    wanted = {"model.width": "8", "growth.epochs": "6", "plan.seed": "7", "plan.classes": "0,1"}
    wanted |= {
        "plan.train": "0" * 64,
        "circumstances.torch": torch.__version__,
        "circumstances.device": "cpu",
    }
    assert wanted.items() <= seen["params"].items()
    assert len(seen["params"]["circumstances.code_sha256"]) == 64
    assert [value for _, _, value in seen["metrics"]["train_loss"]] == [1.0, 1 / 2, 1 / 3]
    assert [step for step, _, _ in seen["metrics"]["train_loss"]] == [1, 2, 3]
    assert seen["metrics"]["accuracy/a_b"][0][2] == 0.9
    assert seen["metrics"]["average_accuracy"][0][2] == 0.9
    curve = [[step, value] for step, _, value in seen["metrics"]["approximation_loss"]]
    assert curve == [[0, 0.6], [1, 0.37]]
    assert [value for _, _, value in seen["metrics"]["approximation_accuracy"]] == [0.5, 0.9]
    pictured = ["approximation.csv", "approximation.json", "approximation.png"]
    pictured += ["drift/report.json"]
    pictured += [f"evaluation/{name}" for name in EVALUATION]
    files = ["gates.json", "lineage.json", "loss.csv", "loss.json", "loss.png"]
    assert seen["files"] == [*pictured, *files, "matrix.csv", "matrix.json", "matrix.png", "why.md"]
    assert read(told, str(receipt.run_id), "why.md", tmp_path) == (
        f"# {of.name} w1\n\n## What came\n\n- 40 rows.\n- 3 kept out.\n\n## What was decided\n\n- Promoted.\n"
    )
    assert receipt.run_id is not None
    assert read(told, receipt.run_id, "matrix.csv", tmp_path) == "after,a/b\na/b,0.9\n"
    lineage = json.loads(read(told, receipt.run_id, "lineage.json", tmp_path))
    assert [branch["id"] for branch in lineage["branches"]] == ["b1"]


def metrics_of(told: Told, of: Stream, window: str) -> dict[str, float]:
    return dict(told.run(of.name, window).data.metrics)


def test_a_run_tells_the_evaluation_in_full(
    told: Told, of: Stream, grown_cycle: CycleRecord, second_cycle: CycleRecord
) -> None:
    """Nine of ten rows are right, each with a confidence of 0.9; one of class 1 is taken for class 0."""
    told.tracker.log_cycle(grown_cycle)
    told.tracker.log_cycle(second_cycle)
    first, second = metrics_of(told, of, "w1"), metrics_of(told, of, "w3")
    assert first["accuracy_low/a_b"] == pytest.approx(0.5958, abs=1e-4)
    assert first["accuracy_high/a_b"] == pytest.approx(0.9821, abs=1e-4)
    assert first["calibration_error/a_b"] == pytest.approx(0, abs=1e-6)
    assert "negative_flip_rate/a_b" not in first
    assert (second["negative_flip_rate/a_b"], second["positive_flip_rate/a_b"]) == (0, 0)


@pytest.mark.usefixtures("chosen")
def test_the_evaluations_tables_open_with_mlflows_own_reader(
    told: Told, of: Stream, second_cycle: CycleRecord
) -> None:
    told.tracker.log_cycle(second_cycle)
    experiment = told.client.get_experiment_by_name(f"growlearn/{of.name}").experiment_id
    found = {
        name: told.client.load_table(experiment, f"evaluation/{name}.json").to_numpy().tolist()
        for name in ("tasks", "matrix", "classes", "confusion", "reliability")
    }
    (task,) = found["tasks"]
    assert (task[:4], task[8:]) == (["a/b", 10, 9, 0.9], [0, 0, "a/b"])
    assert [row[:3] for row in found["matrix"]] == [["a/b", "a/b", 0.9]]
    assert [row[:3] for row in found["classes"]] == [["a/b", 0, 5], ["a/b", 1, 5]]
    assert found["confusion"] == [["a/b", 0, 0, 5], ["a/b", 1, 0, 1], ["a/b", 1, 1, 4]]
    assert [row[3] for row in found["reliability"]] == [10]


def test_a_record_without_answers_is_told_without_what_only_they_tell(
    told: Told, of: Stream, grown_cycle: CycleRecord
) -> None:
    evaluation = grown_cycle.record.evaluation
    assert evaluation is not None
    old = replace(evaluation, cells=tuple(replace(cell, answers=None) for cell in evaluation.cells))
    told.tracker.log_cycle(replace(grown_cycle, record=replace(grown_cycle.record, evaluation=old)))
    files = everything_of(told, of, "w1")["files"]
    told_of = [name.removeprefix("evaluation/") for name in files if name.startswith("evaluation/")]
    assert told_of == ["accuracy.png", "matrix.json", "tasks.json"]
    metrics = metrics_of(told, of, "w1")
    assert "calibration_error/a_b" not in metrics
    assert metrics["accuracy_low/a_b"] == pytest.approx(0.5958, abs=1e-4)


@pytest.mark.usefixtures("chosen")
def test_tables_open_with_mlflows_own_reader(told: Told, of: Stream, grown_cycle: CycleRecord) -> None:
    told.tracker.log_cycle(grown_cycle)
    experiment = told.client.get_experiment_by_name(f"growlearn/{of.name}").experiment_id
    for table, columns in (("matrix.json", ["after", "a/b"]), ("loss.json", ["epoch", "train_loss"])):
        found = told.client.load_table(experiment, table)
        assert list(found.columns)[:2] == columns


def test_nothing_is_said(told: Told, grown_cycle: CycleRecord, capfd: pytest.CaptureFixture[str]) -> None:
    told.tracker.log_cycle(grown_cycle)
    told.tracker.set_aliases(grown_cycle.stream, {Alias.CHAMPION: "1"})
    assert capfd.readouterr() == ("", "")


def test_the_window_is_the_runs_input(
    told: Told, of: Stream, grown_cycle: CycleRecord, settled_cycle: CycleRecord
) -> None:
    told.tracker.log_cycle(grown_cycle)
    told.tracker.log_cycle(settled_cycle)
    for window, context in (("w1", "training"), ("w2", "evaluation")):
        (entry,) = everything_of(told, of, window)["inputs"]
        assert entry["dataset"]["name"] == f"{of.name}/{window}"
        assert entry["dataset"]["digest"] == window[1] * 36
        assert json.loads(entry["dataset"]["profile"])["num_rows"] == 40
        assert entry["tags"] == {"mlflow.data.context": context}


def test_a_quarantined_window_gets_a_small_run(told: Told, of: Stream, settled_cycle: CycleRecord) -> None:
    window = replace(settled_cycle.window, snapshot=None, verdict=None, reason="no such column", rows=0)
    record = replace(settled_cycle, window=window, record=replace(settled_cycle.record, report=None))
    told.tracker.log_cycle(record)
    seen = everything_of(told, of, "w2")
    assert "no such column" in seen["tags"]["mlflow.note.content"]
    assert seen["inputs"] == seen["files"] == []


def test_a_version_carries_its_lineage(told: Told, of: Stream, second_cycle: CycleRecord) -> None:
    told.tracker.log_cycle(second_cycle)
    (found,) = told.client.search_model_versions(f"name = '{of.job.registered_model}'")
    version = second_cycle.version
    assert version is not None
    wanted = {"version": "2", "parent": "1", "branches": "b1", "tasks": "a/b", "window": "w3"}
    wanted |= {"average_accuracy": "0.9", "sha256.b1": version.manifest.branches[0].sha256}
    assert {f"growlearn.{key}": value for key, value in wanted.items()}.items() <= found.tags.items()
    assert "grown from version 1 on window w3" in found.description
    assert told.client.get_registered_model(found.name).description


@pytest.mark.usefixtures("chosen")
def test_the_model_says_where_it_came_from(
    told: Told, of: Stream, grown_cycle: CycleRecord, tmp_path: Path
) -> None:
    told.tracker.log_cycle(grown_cycle)
    uri = f"models:/{of.job.registered_model}/1/provenance.json"
    found = json.loads(Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path))).read_text())
    assert (found["stream"], found["version"], found["seed"]) == (of.name, 1, 7)
    assert found["data"] == {"train": "0" * 64, "validation": "1" * 64, "holdout": "2" * 64}
    assert found["circumstances"]["packages"]["torch"] == torch.__version__


@pytest.mark.usefixtures("chosen")
def test_the_champion_answers_as_the_predictor(told: Told, of: Stream, grown_cycle: CycleRecord) -> None:
    receipt = told.tracker.log_cycle(grown_cycle)
    told.tracker.set_aliases(of, {Alias.CHAMPION: receipt.model_version})
    with quietly():
        champion = mlflow.pyfunc.load_model(f"models:/{of.job.registered_model}@champion")
    frame = pd.DataFrame({"x": [1.0, -3.5], "kind": ["red", "never seen"]})
    assert grown_cycle.version is not None
    mine = Predictor(grown_cycle.version.manifest, told.artifacts.get).predict(frame)
    pd.testing.assert_frame_equal(champion.predict(frame), mine, check_exact=True)


@pytest.mark.usefixtures("chosen")
def test_a_model_runs_its_branches_as_the_environment_of_its_server_says(
    told: Told, of: Stream, grown_cycle: CycleRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = told.tracker.log_cycle(grown_cycle)
    monkeypatch.setenv("GROWLEARN_EXECUTION", "stacked")
    with quietly():
        model = mlflow.pyfunc.load_model(f"models:/{of.job.registered_model}/{receipt.model_version}")
    frame = pd.DataFrame({"x": [1.0, -3.5], "kind": ["red", "never seen"]})
    assert grown_cycle.version is not None
    mine = Predictor(grown_cycle.version.manifest, told.artifacts.get, Execution.STACKED).predict(frame)
    pd.testing.assert_frame_equal(model.predict(frame), mine, check_exact=True)


def test_a_run_that_is_cut_short_at_every_step_ends_as_an_undisturbed_one(
    told: Told, of: Stream, grown_cycle: CycleRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[Any, str]] = [(runs, "open_run"), (versions, "log_model"), (runs, "log_facts")]
    for room, step in [*steps, (versions, "register"), (runs, "finish")]:
        with monkeypatch.context() as patched:
            patched.setattr(room, step, cut_short_after(getattr(room, step)))
            with pytest.raises(Killed):
                told.tracker.log_cycle(grown_cycle)
    told.tracker.log_cycle(grown_cycle)
    disturbed = json.dumps(everything_of(told, of, "w1"))
    job = replace(of.job, name="undisturbed-" + of.name, registry=replace(of.job.registry, model=of.name))
    other = replace(of, job=job)
    told.tracker.log_cycle(replace(grown_cycle, stream=other))
    undisturbed = json.dumps(everything_of(told, other, "w1"))
    undisturbed = undisturbed.replace(f'"name\\": \\"{of.name}', f'"name\\": \\"{of.job.registered_model}')
    assert disturbed == undisturbed.replace(other.name, of.name)


def cut_short_after(step: Callable[..., Any]) -> Callable[..., None]:
    def killed(*arguments: Any) -> None:
        step(*arguments)
        raise Killed

    return killed


def test_a_job_changed_meanwhile_does_not_spoil_a_run_already_begun(
    told: Told, of: Stream, grown_cycle: CycleRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(runs, "finish", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            told.tracker.log_cycle(grown_cycle)
    job = replace(of.job, growth=replace(of.job.growth, epochs=9))
    told.tracker.log_cycle(replace(grown_cycle, stream=replace(of, job=job)))
    assert everything_of(told, of, "w1")["params"]["growth.epochs"] == "6"


def test_missing_weights_are_named_and_nothing_is_registered(
    told: Told, of: Stream, grown_cycle: CycleRecord
) -> None:
    version = grown_cycle.version
    assert version is not None
    lost = replace(version.manifest.branches[0], sha256="f" * 64)
    broken = replace(version, manifest=replace(version.manifest, branches=(lost,)))
    with pytest.raises(DamagedArtifact, match="ffff"):
        told.tracker.log_cycle(replace(grown_cycle, version=broken))
    assert told.look.versions(of.job.registered_model) == {}
    told.tracker.log_cycle(grown_cycle)  # mended: the same run goes on
    assert told.look.versions(of.job.registered_model) == {1: "1"}


@pytest.mark.parametrize("uri", ["file:///tmp/runs", "runs", "postgresql://host/mlflow", "sqlite://"])
def test_a_store_that_cannot_be_used_is_refused_with_the_cure(
    told: Told, settled_cycle: CycleRecord, uri: str
) -> None:
    with pytest.raises(GrowLearnError, match="mlflow server"):
        MlflowTracker(uri, told.artifacts).log_cycle(settled_cycle)


def test_a_server_that_is_away_is_named(
    told: Told, settled_cycle: CycleRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackerUnavailable, match=r"http://127.0.0.1:9 did not take it"):
        MlflowTracker("http://127.0.0.1:9", told.artifacts).log_cycle(settled_cycle)
