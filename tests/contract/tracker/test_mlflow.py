"""What MLflow shows of a window, and what happens to one that was logged in part."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow import runs, versions
from growlearn.adapters.mlflow.errors import TrackerUnavailable
from growlearn.adapters.mlflow.silence import silence_warnings
from growlearn.adapters.mlflow.tracker import MlflowTracker
from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.interval import wilson_interval
from growlearn.domain.stream import Alias, Stream
from growlearn.ports import WindowReport
from growlearn.serving.predictor import Predictor

if TYPE_CHECKING:
    from tests.contract.tracker.conftest import Logged, MlflowCase


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
def case(mlflow_case: MlflowCase) -> MlflowCase:
    return mlflow_case


@pytest.fixture
def chosen(logged: Logged) -> Iterator[None]:
    """The store under test as the one that MLflow's module functions use."""
    mlflow.set_tracking_uri(logged.case.uri)
    yield
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


class Killed(BaseException):
    """Stands for a process that ends here."""


def everything_of(case: MlflowCase, stream: Stream, window: str) -> dict[str, Any]:
    """Everything MLflow holds about a window, without the names that MLflow draws at random."""
    run = case.run(stream.name, window)
    history = {key: case.client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    registered = case.client.search_model_versions(f"name = '{stream.job.registered_model}'")
    models = case.client.search_logged_models([run.info.experiment_id])
    return {
        "status": run.info.status,
        "times": (run.info.start_time, run.info.end_time),
        "tags": run.data.tags,
        "params": run.data.params,
        "metrics": {
            key: sorted((point.step, point.timestamp, point.value) for point in points)
            for key, points in history.items()
        },
        "inputs": run.inputs.to_dictionary()["dataset_inputs"],
        "outputs": len(run.outputs.model_outputs),
        "files": files_below(case, run.info.run_id),
        "versions": [(entry.version, entry.tags, entry.description) for entry in registered],
        "models": [(model.name, str(model.status), model.tags) for model in models],
    }


def files_below(case: MlflowCase, run_id: str, path: str | None = None) -> list[str]:
    paths: list[str] = []
    for entry in case.client.list_artifacts(run_id, path):
        paths += files_below(case, run_id, entry.path) if entry.is_dir else [entry.path]
    return sorted(paths)


def read(case: MlflowCase, run_id: str, path: str, folder: Path) -> str:
    return Path(case.client.download_artifacts(run_id, path, str(folder))).read_text()


def test_a_run_holds_the_whole_window_report(logged: Logged, tmp_path: Path) -> None:
    case, stream, run_id = logged.case, logged.stream, str(logged.first_ids.run_id)
    seen = everything_of(case, stream, "w1")
    assert seen["status"] == "FINISHED"
    times = [logged.first.window.discovered_at, logged.first.window.updated_at]
    assert seen["times"] == tuple(int(at.timestamp() * 1000) for at in times)
    wanted = {"stream": stream.name, "window": "w1", "verdict": "first", "state": "promoted", "task": "a/b"}
    assert {f"growlearn.{key}": value for key, value in wanted.items()}.items() <= seen["tags"].items()
    wanted = {"model.embed_dim": "8", "growth.epochs": "auto", "plan.seed": "7", "plan.classes": "0,1"}
    wanted |= {
        "plan.train": "0" * 64,
        "environment.torch": torch.__version__,
        "environment.device": "cpu",
    }
    assert wanted.items() <= seen["params"].items()
    assert len(seen["params"]["environment.code_sha256"]) == 64
    assert [value for _, _, value in seen["metrics"]["train_loss"]] == [1.0, 1 / 2, 1 / 3]
    assert [step for step, _, _ in seen["metrics"]["train_loss"]] == [1, 2, 3]
    assert seen["metrics"]["accuracy/a_b"][0][2] == 0.9
    assert seen["metrics"]["average_accuracy"][0][2] == 0.9
    curve = [[step, value] for step, _, value in seen["metrics"]["prefix_curve_loss"]]
    assert curve == [[0, 0.6], [1, 0.37]]
    assert [value for _, _, value in seen["metrics"]["prefix_curve_accuracy"]] == [0.5, 0.9]
    files = ["drift/report.json", *(f"evaluation/{name}" for name in EVALUATION)]
    files += ["gates.json", "lineage.json", "loss.csv", "loss.json", "loss.png"]
    files += ["matrix.csv", "matrix.json", "matrix.png"]
    assert seen["files"] == [*files, "prefix_curve.csv", "prefix_curve.json", "prefix_curve.png", "why.md"]
    assert read(case, run_id, "why.md", tmp_path) == (
        f"# {stream.name} w1\n\n## What came\n\n- 40 rows.\n- 3 rejected.\n\n"
        "## What was decided\n\n- Promoted.\n"
    )
    assert read(case, run_id, "matrix.csv", tmp_path) == "after,a/b\na/b,0.9\n"
    lineage = json.loads(read(case, run_id, "lineage.json", tmp_path))
    assert [branch["id"] for branch in lineage["branches"]] == ["b1"]


def metrics_of(case: MlflowCase, stream: Stream, window: str) -> dict[str, float]:
    return dict(case.run(stream.name, window).data.metrics)


def test_a_run_holds_the_full_evaluation(logged: Logged) -> None:
    """Nine of ten rows are right, each with a confidence of 0.9; one of class 1 is taken for class 0."""
    first, second = (metrics_of(logged.case, logged.stream, window) for window in ("w1", "w3"))
    assert first["accuracy_low/a_b"] == pytest.approx(0.5958, abs=1e-4)
    assert first["accuracy_high/a_b"] == pytest.approx(0.9821, abs=1e-4)
    assert first["calibration_error/a_b"] == pytest.approx(0, abs=1e-6)
    assert "negative_flip_rate/a_b" not in first
    assert (second["negative_flip_rate/a_b"], second["positive_flip_rate/a_b"]) == (0, 0)


def load_table(logged: Logged, window: str, path: str) -> Any:
    run = logged.case.run(logged.stream.name, window)
    return logged.case.client.load_table(run.info.experiment_id, path, run_ids=[run.info.run_id])


def test_a_run_that_grew_nothing_says_how_right_the_model_was(logged: Logged) -> None:
    grown, skipped = (metrics_of(logged.case, logged.stream, window) for window in ("w1", "w2"))
    assert [key for key in grown if key.startswith("window_")] == []
    interval = wilson_interval(36, 40)
    assert {key: value for key, value in skipped.items() if key.startswith("window_")} == {
        "window_accuracy": 0.9,
        "window_accuracy_low": interval.low,
        "window_accuracy_high": interval.high,
        "window_labelled_rows": 40,
    }


@pytest.mark.usefixtures("chosen")
def test_the_evaluations_tables_open_with_mlflows_own_reader(logged: Logged) -> None:
    tables = {
        name: load_table(logged, "w3", f"evaluation/{name}.json").to_numpy().tolist()
        for name in ("tasks", "matrix", "classes", "confusion", "reliability")
    }
    (task,) = tables["tasks"]
    assert (task[:4], task[8:]) == (["a/b", 10, 9, 0.9], [0, 0, "a/b"])
    assert [row[:3] for row in tables["matrix"]] == [["a/b", "a/b", 0.9]]
    assert [row[:3] for row in tables["classes"]] == [["a/b", 0, 5], ["a/b", 1, 5]]
    assert tables["confusion"] == [["a/b", 0, 0, 5], ["a/b", 1, 0, 1], ["a/b", 1, 1, 4]]
    assert [row[3] for row in tables["reliability"]] == [10]


def test_an_evaluation_without_stored_logits_is_logged_without_what_needs_them(
    case: MlflowCase, stream: Stream, promoted_report: WindowReport
) -> None:
    evaluation = promoted_report.record.evaluation
    assert evaluation is not None
    old = replace(
        evaluation, task_scores=tuple(replace(score, logits_sha256=None) for score in evaluation.task_scores)
    )
    case.tracker.log_cycle(replace(promoted_report, record=replace(promoted_report.record, evaluation=old)))
    files = everything_of(case, stream, "w1")["files"]
    names = [name.removeprefix("evaluation/") for name in files if name.startswith("evaluation/")]
    assert names == ["accuracy.png", "matrix.json", "tasks.json"]
    metrics = metrics_of(case, stream, "w1")
    assert "calibration_error/a_b" not in metrics
    assert metrics["accuracy_low/a_b"] == pytest.approx(0.5958, abs=1e-4)


@pytest.mark.usefixtures("chosen")
def test_tables_open_with_mlflows_own_reader(logged: Logged) -> None:
    for table, columns in (("matrix.json", ["after", "a/b"]), ("loss.json", ["epoch", "train_loss"])):
        assert list(load_table(logged, "w1", table).columns)[:2] == columns


def test_nothing_is_printed(
    case: MlflowCase, promoted_report: WindowReport, capfd: pytest.CaptureFixture[str]
) -> None:
    case.tracker.log_cycle(promoted_report)
    assert promoted_report.version is not None
    case.tracker.set_aliases(promoted_report.stream, [promoted_report.version], {Alias.CHAMPION: 1})
    assert capfd.readouterr() == ("", "")


def test_the_window_is_the_runs_input(logged: Logged) -> None:
    for window, context in (("w1", "training"), ("w2", "evaluation")):
        (entry,) = logged.case.run(logged.stream.name, window).inputs.to_dictionary()["dataset_inputs"]
        assert entry["dataset"]["name"] == f"{logged.stream.name}/{window}"
        assert entry["dataset"]["digest"] == window[1] * 36
        assert json.loads(entry["dataset"]["profile"])["num_rows"] == 40
        assert entry["tags"] == {"mlflow.data.context": context}


def test_a_quarantined_window_gets_a_small_run(
    case: MlflowCase, stream: Stream, skipped_report: WindowReport
) -> None:
    window = replace(skipped_report.window, snapshot=None, verdict=None, reason="no such column", rows=0)
    record = replace(skipped_report, window=window, record=replace(skipped_report.record, report=None))
    case.tracker.log_cycle(record)
    seen = everything_of(case, stream, "w2")
    assert "no such column" in seen["tags"]["mlflow.note.content"]
    assert seen["inputs"] == seen["files"] == []


def test_a_version_carries_its_lineage(logged: Logged) -> None:
    client, model = logged.case.client, logged.stream.job.registered_model
    registered = client.get_model_version(model, "2")
    version = logged.second.version
    assert version is not None
    wanted = {"version": "2", "parent": "1", "branches": "b1", "tasks": "a/b", "window": "w3"}
    wanted |= {"average_accuracy": "0.9", "sha256.b1": version.manifest.branches[0].sha256}
    assert {f"growlearn.{key}": value for key, value in wanted.items()}.items() <= registered.tags.items()
    assert "grown from version 1 on window w3" in registered.description
    assert client.get_registered_model(model).description


@pytest.mark.usefixtures("chosen")
def test_the_model_says_where_it_came_from(logged: Logged, tmp_path: Path) -> None:
    stream = logged.stream
    uri = f"models:/{stream.job.registered_model}/1/provenance.json"
    provenance = json.loads(
        Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path))).read_text()
    )
    assert (provenance["stream"], provenance["version"], provenance["seed"]) == (stream.name, 1, 7)
    assert provenance["data"] == {"train": "0" * 64, "validation": "1" * 64, "holdout": "2" * 64}
    assert provenance["environment"]["packages"]["torch"] == torch.__version__


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("execution", [Execution.LOOP, Execution.STACKED])
def test_the_champion_answers_as_the_predictor_in_the_execution_that_its_server_names(
    logged: Logged, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROWLEARN_EXECUTION", execution.value)
    with silence_warnings():
        champion = mlflow.pyfunc.load_model(f"models:/{logged.stream.job.registered_model}@champion")
    frame = pd.DataFrame({"x": [1.0, -3.5], "kind": ["red", "never seen"]})
    assert logged.first.version is not None
    expected = Predictor(logged.first.version.manifest, logged.case.artifacts.get, execution).predict(frame)
    pd.testing.assert_frame_equal(champion.predict(frame), expected, check_exact=True)


def test_a_run_that_is_cut_short_at_every_step_ends_as_an_undisturbed_one(
    case: MlflowCase, stream: Stream, promoted_report: WindowReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[Any, str]] = [(runs, "open_run"), (versions, "log_model"), (runs, "log_run_data")]
    for module, step in [*steps, (versions, "register_version"), (runs, "finish_run")]:
        with monkeypatch.context() as patched:
            patched.setattr(module, step, cut_short_after(getattr(module, step)))
            with pytest.raises(Killed):
                case.tracker.log_cycle(promoted_report)
    case.tracker.log_cycle(promoted_report)
    disturbed = json.dumps(everything_of(case, stream, "w1"))
    job = replace(
        stream.job,
        name="undisturbed-" + stream.name,
        registry=replace(stream.job.registry, model=stream.name),
    )
    other = replace(stream, job=job)
    case.tracker.log_cycle(replace(promoted_report, stream=other))
    undisturbed = json.dumps(everything_of(case, other, "w1"))
    undisturbed = undisturbed.replace(
        f'"name\\": \\"{stream.name}', f'"name\\": \\"{stream.job.registered_model}'
    )
    assert disturbed == undisturbed.replace(other.name, stream.name)


def cut_short_after(step: Callable[..., Any]) -> Callable[..., None]:
    def killed(*arguments: Any) -> None:
        step(*arguments)
        raise Killed

    return killed


def test_a_job_changed_meanwhile_does_not_spoil_a_run_already_begun(
    case: MlflowCase, stream: Stream, promoted_report: WindowReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(runs, "finish_run", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            case.tracker.log_cycle(promoted_report)
    job = replace(stream.job, growth=replace(stream.job.growth, epochs=9))
    case.tracker.log_cycle(replace(promoted_report, stream=replace(stream, job=job)))
    assert everything_of(case, stream, "w1")["params"]["growth.epochs"] == "auto"


def test_missing_weights_are_named_and_nothing_is_registered(
    case: MlflowCase, stream: Stream, plain_report: WindowReport
) -> None:
    version = plain_report.version
    assert version is not None
    lost = replace(version.manifest.branches[0], sha256="f" * 64)
    broken = replace(version, manifest=replace(version.manifest, branches=(lost,)))
    with pytest.raises(CorruptArtifact, match="ffff"):
        case.tracker.log_cycle(replace(plain_report, version=broken))
    assert case.contents.versions(stream.job.registered_model) == {}
    case.tracker.log_cycle(plain_report)  # with its weights
    assert case.contents.versions(stream.job.registered_model) == {1: "1"}


@pytest.mark.parametrize(
    ("uri", "hint"),
    [
        *((uri, "mlflow server") for uri in ("file:///tmp/runs", "runs", "postgresql://host/mlflow")),
        ("sqlite://", "write sqlite:///relative"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused_with_a_hint(
    case: MlflowCase, skipped_report: WindowReport, uri: str, hint: str
) -> None:
    with pytest.raises(GrowLearnError, match=hint):
        MlflowTracker(uri, case.artifacts).log_cycle(skipped_report)


def test_a_server_that_is_away_is_named(
    case: MlflowCase, skipped_report: WindowReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(
        TrackerUnavailable, match=r"http://127.0.0.1:9 rejected the request or did not answer"
    ):
        MlflowTracker("http://127.0.0.1:9", case.artifacts).log_cycle(skipped_report)


def test_a_store_whose_database_fails_is_reported_by_the_error_alone(
    add_mlflow_store: Callable[[Path], None],
    tmp_path: Path,
    skipped_report: WindowReport,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """MLflow itself would log a traceback beside the error that it raises."""
    add_mlflow_store(tmp_path / "home")
    with closing(sqlite3.connect(tmp_path / "home" / "mlflow.db")) as database:
        database.execute("ALTER TABLE runs RENAME TO lost")
    tracker = MlflowTracker(f"sqlite:///{tmp_path}/home/mlflow.db", MemoryArtifacts())
    with pytest.raises(TrackerUnavailable, match="OperationalError"):
        tracker.log_cycle(skipped_report)
    assert capsys.readouterr().err == ""
