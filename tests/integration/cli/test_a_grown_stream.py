"""What people and programs see of a stream that was grown: one run, many looks."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest


def test_run_grows_where_the_data_drifted_and_names_what_was_kept_out(grown: Any) -> None:
    assert grown.run.code == 3, grown.run.err
    lines = grown.run.out.splitlines()
    assert "w3, quarantined:" in lines[0]
    assert "3-empty.parquet: the file is empty" in lines[0]
    assert "1 rows quarantined from" in lines[1]
    assert [line.split(",")[0:3:2] for line in lines[2:]] == [
        ["blobs w1", " first (task-1)"],
        ["blobs w2", " drift (task-2)"],
        ["blobs w4", " known task (task-1)"],
        ["blobs w5", " stable (task-1)"],
    ]
    assert "training: 1 of 15" in grown.run.err
    assert "\x1b" not in grown.run.out + grown.run.err


def test_run_again_finds_nothing_new(grown: Any) -> None:
    again = grown.place.growlearn("run", "blobs")
    assert (again.code, again.out) == (0, "blobs: nothing new\n")


def test_status_json_has_the_documented_keys(grown: Any) -> None:
    (stream,) = grown.place.growlearn("status", "--json").json["streams"]
    times = stream.pop("last_look"), stream.pop("next_look")
    canary = {"canary": None, "share_percent": None}
    assert stream == {"name": "blobs", "state": "idle", "champion": 2, "pending": 0, **canary}
    assert all(datetime.fromisoformat(time).tzinfo is not None for time in times)
    (again,) = grown.place.growlearn("status", "blobs", "--json").json["streams"]
    assert again["last_look"] == times[0]


def test_windows_json_has_the_documented_keys(grown: Any) -> None:
    windows = grown.place.growlearn("windows", "blobs", "--json").json["windows"]
    keys = ["id", "state", "rows", "quarantined_rows", "task", "verdict", "reason", "source", "estimate"]
    assert all(list(window) == keys for window in windows)
    assert [(w["id"], w["state"], w["verdict"], w["task"]) for w in windows] == [
        ("w1", "promoted", "first", "task-1"),
        ("w2", "promoted", "drift", "task-2"),
        ("w3", "quarantined", None, None),
        ("w4", "skipped", "known task", "task-1"),
        ("w5", "skipped", "stable", "task-1"),
    ]


def test_one_window_tells_each_row_kept_out_of_it(grown: Any) -> None:
    (window,) = grown.place.growlearn("windows", "blobs", "w5", "--json").json["windows"]
    assert (window["rows"], window["quarantined_rows"]) == (239, 1)
    assert window["bad_rows"] == [{"row": 0, "reason": "x is infinite"}]
    shown = grown.place.growlearn("windows", "blobs", "w5").out
    assert "x is infinite" in shown


def test_drift_json_has_the_documented_keys(grown: Any) -> None:
    reports = grown.place.growlearn("drift", "blobs", "--json").json["reports"]
    assert [report["window"] for report in reports] == ["w1", "w2", "w4", "w5"]
    (one,) = grown.place.growlearn("drift", "blobs", "w2", "--json").json["reports"]
    assert list(one) == ["window", "verdict", "kind", "task", "reason", "alpha", "scores"]
    assert list(one["scores"][0]) == [
        "detector",
        "task",
        "name",
        "statistic",
        "effect",
        "p_value",
        "threshold",
        "reference_rows",
        "window_rows",
    ]
    assert min(score["p_value"] for score in one["scores"]) < 1e-4


def test_lineage_json_has_the_documented_keys(grown: Any) -> None:
    branches = grown.place.growlearn("lineage", "blobs", "--json").json["branches"]
    keys = ["id", "parent", "task", "window", "version", "parameters", "sha256", "state", "created_at"]
    assert all(list(branch) == keys for branch in branches)
    assert [(b["id"], b["task"], b["window"], b["version"], b["state"]) for b in branches] == [
        ("b1", "task-1", "w1", 1, "accepted"),
        ("b2", "task-2", "w2", 2, "accepted"),
    ]


def test_matrix_json_has_the_documented_keys_and_nothing_is_forgotten(grown: Any) -> None:
    matrix = grown.place.growlearn("matrix", "blobs", "--json").json
    assert list(matrix) == [
        "tasks",
        "accuracy",
        "intervals",
        "average_accuracy",
        "backward_transfer",
        "forward_transfer",
        "forgetting",
        "intransigence",
        "metric",
        "values",
        "average_value",
    ]
    assert (matrix["metric"], matrix["values"]) == ("accuracy", matrix["accuracy"])
    assert matrix["tasks"] == ["task-1", "task-2"]
    assert f"{100 * matrix['accuracy'][1][0]:.2f}" in grown.place.growlearn("matrix", "blobs").out
    assert matrix["accuracy"][0][0] == matrix["accuracy"][1][0]
    assert (matrix["forgetting"], matrix["backward_transfer"], matrix["intransigence"]) == (0, 0, None)
    assert matrix["average_accuracy"] > 0.95
    for row, spans in zip(matrix["accuracy"], matrix["intervals"], strict=True):
        for share, (low, high) in zip(row, spans, strict=True):
            assert 0 <= low <= share <= high <= 1
    first = grown.place.growlearn("matrix", "blobs", "--version", "1", "--json").json
    assert first["tasks"] == ["task-1"]


def test_versions_json_has_the_documented_keys_and_the_mirror_was_told(grown: Any) -> None:
    versions = grown.place.growlearn("versions", "blobs", "--json").json["versions"]
    keys = [
        "version",
        "mlflow_version",
        "aliases",
        "branches",
        "average_accuracy",
        "created_at",
        "removed_at",
    ]
    assert all(list(version) == keys for version in versions)
    assert [(v["version"], v["mlflow_version"], v["aliases"], v["branches"]) for v in versions] == [
        (1, "1", [], ["b1"]),
        (2, "2", ["champion"], ["b1", "b2"]),
    ]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("status", ["blobs", "idle"]),
        ("windows", ["quarantined", "the file is empty", "2.parquet"]),
        ("drift", ["known task", "unlike every known task"]),
        ("lineage", ["└── b", "task-2", "version 2"]),
        ("matrix", ["task-1", "best past accuracy minus the current one"]),
        ("evaluate", ["task-1", "95 % interval", "calibration error", "negative flips"]),
        ("versions", ["champion", "b1, b2", "UTC"]),
    ],
)
def test_without_json_people_get_plain_words_in_a_pipe(command: str, said: list[str], grown: Any) -> None:
    shown = grown.place.growlearn(command, "blobs")
    assert shown.code == 0, shown.err
    assert all(words in shown.out for words in said), shown.out
    assert "\x1b" not in shown.out


def test_drift_of_one_window_shows_every_score(grown: Any) -> None:
    shown = grown.place.growlearn("drift", "blobs", "w2").out
    assert shown.count("output-ks") >= 2
    assert "drift below" in shown


def test_predict_adds_its_columns_to_the_rows_of_a_file(grown: Any) -> None:
    done = grown.place.growlearn("predict", "blobs", "incoming/2.parquet", "--out", "out/answers.parquet")
    assert done.code == 0, done.err
    answers = pq.read_table(grown.place.folder / "out" / "answers.parquet").to_pydict()
    assert list(answers) == ["x", "y", "label", "prediction", "probability", "task"]
    right = sum(a == b for a, b in zip(answers["label"], answers["prediction"], strict=True))
    assert right / len(answers["label"]) > 0.95
    assert set(answers["task"]) == {"task-2"}
    assert all(0.5 <= share <= 1 for share in answers["probability"])


def test_predict_answers_what_it_can_and_says_which_rows_it_cannot(grown: Any) -> None:
    (grown.place.folder / "some.csv").write_text("x,y\n0.1,0.2\ninf,1\n3,0.1\n,1\n")
    done = grown.place.growlearn("predict", "blobs", "some.csv", "--out", "answers.csv", "--version", "1")
    assert done.code == 3
    assert "1 rows have no prediction; the first is row 1: " in done.err
    answers = pacsv.read_csv(grown.place.folder / "answers.csv").to_pydict()
    assert answers["prediction"][:3] == [0, None, 1]
    assert answers["prediction"][3] in (0, 1)  # a missing value is no reason not to answer
    assert answers["task"] == ["task-1", "", "task-1", "task-1"]


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")  # MLflow's, of its own hints
def test_export_writes_a_model_that_mlflow_loads_and_a_smaller_one(grown: Any) -> None:
    whole = grown.place.growlearn("export", "blobs", "2", "whole")
    assert (whole.code, whole.out) == (0, "version 2, 2 of 2 branches -> whole\n"), whole.err
    small = grown.place.growlearn("export", "blobs", "2", "small", "--branches", "1")
    assert small.code == 0, small.err
    assert "version 2, 1 of 2 branches -> small" in small.out
    frame = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]})
    for folder in ("whole", "small"):
        provenance = json.loads((grown.place.folder / folder / "provenance.json").read_text())
        assert (provenance["version"], provenance["window"], provenance["environment"]["threads"]) == (
            2,
            "w2",
            1,
        )
        model = mlflow.pyfunc.load_model(str(grown.place.folder / folder))
        assert list(model.predict(frame).columns) == ["prediction", "probability", "task"]
    again = grown.place.growlearn("export", "blobs", "2", "whole")
    assert (again.code, again.err) == (
        1,
        "error: whole is not an empty folder (name one that does not exist yet)\n",
    )


def test_export_writes_graphs_that_answer_as_predict_does(grown: Any) -> None:
    place = grown.place
    whole = place.growlearn("export", "blobs", "2", "graph", "--format", "onnx")
    assert whole.code == 0, whole.err
    assert whole.out.startswith("the probabilities of ")
    assert whole.out.endswith("version 2, 2 of 2 branches -> graph\n")
    folder = place.folder / "graph"
    names = ["manifest.json", "model.onnx", "provenance.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [tensor["columns"] for tensor in manifest["inputs"]] == [["x", "y"]]
    done = place.growlearn("predict", "blobs", "incoming/4.parquet", "--version", "2", "--out", "4.parquet")
    assert done.code == 0, done.err
    answers = pq.read_table(place.folder / "4.parquet").to_pydict()
    numbers = np.stack([answers["x"], answers["y"]], axis=1)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    prediction, probability, _, task = session.run(None, {"numbers": numbers})
    assert [manifest["labels"][index] for index in prediction] == answers["prediction"]
    assert [manifest["tasks"][index]["name"] for index in task] == answers["task"]
    np.testing.assert_allclose(probability, answers["probability"], atol=1e-4)

    options = ("--format", "torch", "--task", "task-1", "--branches", "1")
    small = place.growlearn("export", "blobs", "2", "small-graph", *options)
    assert small.code == 0, small.err
    assert "version 2, 1 of 2 branches -> small-graph" in small.out
    assert (place.folder / "small-graph" / "model.pt2").exists()


def test_an_export_that_cannot_be_leaves_nothing(grown: Any) -> None:
    before = sorted(path.name for path in grown.place.folder.iterdir())
    of_task = grown.place.growlearn("export", "blobs", "2", "left", "--task", "task-1")
    assert (of_task.code, "--task is for --format torch and onnx" in of_task.err) == (1, True)
    unknown = grown.place.growlearn("export", "blobs", "2", "left", "--task", "x", "--format", "torch")
    assert (unknown.code, "no task 'x'" in unknown.err) == (1, True), unknown.err
    assert grown.place.growlearn("export", "blobs", "2", "left", "--format", "pickle").code == 2
    assert sorted(path.name for path in grown.place.folder.iterdir()) == before


def test_predict_without_out_shows_the_first_rows(grown: Any) -> None:
    done = grown.place.growlearn("predict", "blobs", "incoming/1.parquet")
    assert (done.code, "20 of 240 rows" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predict", "blobs", "absent.csv"), "cannot read absent.csv: No such file"),
        (("predict", "blobs", "blobs.yaml"), "blobs.yaml: the file is of an unknown kind"),
        (("predict", "blobs", "incoming/1.parquet", "--version", "9"), "there is no version 9"),
        (("predict", "blobs", "incoming/1.parquet", "--out", "answers.xls"), "cannot write answers.xls"),
        (("windows", "blub"), "'blub'"),
        (("drift", "blobs", "w99"), "'w99'"),
        (("promote", "blobs"), "stream 'blobs' has no challenger"),
        (("promote", "blobs", "2"), "version 2 of stream 'blobs' is the champion already"),
        (("consolidate", "blobs"), "the job sets no consolidation (set consolidation in the job file)"),
        (("run", "blub"), "'blub'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_1(
    arguments: tuple[str, ...], said: str, grown: Any
) -> None:
    done = grown.place.growlearn(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1), done.err
    assert done.err.startswith("error: ")
    assert said in done.err


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "holdout: {fraction: 0.3}",
            "registry: {model: other}",
            "registry.model of stream 'blobs' cannot change",
        ),
        ("y: {type: number}", "z: {type: number}", "the schema of stream 'blobs' cannot change"),
    ],
)
def test_a_job_that_would_orphan_what_was_learned_is_refused(
    before: str, after: str, said: str, grown: Any
) -> None:
    text = (grown.place.folder / "blobs.yaml").read_text()
    (grown.place.folder / "changed.yaml").write_text(text.replace(before, after))
    done = grown.place.growlearn("apply", "changed.yaml")
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_person_rolls_back_and_promotes_and_each_time_the_version_is_verified(copied: Any) -> None:
    back = copied.growlearn("rollback", "blobs")
    assert (back.code, back.err) == (0, "")
    assert back.out.splitlines() == [
        "blobs: verified: 1 task gives its stored logits to the last bit on cpu",
        "blobs: champion version 2 -> version 1",
    ]
    assert copied.growlearn("status", "--json").json["streams"][0]["champion"] == 1
    forth = copied.growlearn("promote", "blobs", "2", "--reason", "all is well")
    assert (forth.code, forth.err) == (0, "")
    assert forth.out.splitlines() == [
        "blobs: verified: 2 tasks give their stored logits to the last bit on cpu",
        "blobs: champion version 1 -> version 2",
    ]


def test_a_canary_is_started_shown_and_stopped(copied: Any) -> None:
    started = copied.growlearn("canary", "start", "blobs", "1", "--share", "5")
    assert started.out == (
        "blobs: version 1 answers 5 % of the requests beside champion 2; to see how it does: "
        "growlearn canary show blobs\n"
    )
    assert "blobs: version 1 answers 5 % beside champion 2; see:" in copied.growlearn("status").out
    (stream,) = copied.growlearn("status", "--json").json["streams"]
    assert (stream["canary"], stream["share_percent"]) == (1, 5)
    assert copied.growlearn("canary", "start", "blobs", "1", "--share", "60").code == 2
    refused = copied.growlearn("canary", "start", "blobs", "2")
    assert (refused.code, "version 2 of stream 'blobs' is the champion" in refused.err) == (1, True)

    stopped = copied.growlearn("canary", "stop", "blobs", "--reason", "seen enough")
    assert stopped.out == "blobs: version 1 answers no requests any more\n"
    assert copied.growlearn("canary", "stop", "blobs").out == "blobs: no canary runs\n"
    assert "seen enough" in copied.growlearn("canary", "show", "blobs").out
    (canary,) = copied.growlearn("canary", "show", "blobs", "--json").json["canaries"]
    assert (canary["running"], canary["stop_reason"], canary["agreement"]) == (False, "seen enough", None)
    assert "seen enough" in copied.growlearn("why", "blobs", "1").out


def test_why_tells_a_version_and_a_window_and_has_the_documented_keys(grown: Any) -> None:
    view = grown.place.growlearn("why", "blobs", "2", "--json").json
    assert list(view) == ["stream", "window", "version", "report", "entries"]
    assert (view["window"], view["version"]) == ("w2", 2)
    steps = [
        entry for entry in view["entries"] if entry["kind"] == "transition"
    ]  # people may have moved aliases
    ends = [entry["transition"]["target"] for entry in steps]
    assert ends == ["judged", "growing", "evaluated", "promoted"]
    assert list(view["entries"][0]) == [
        "stream", "kind", "at", "actor", "growlearn_version", "job_digest", "window", "snapshot",
        "transition", "job", "alias_changes", "canary",
    ]  # fmt: skip

    shown = grown.place.growlearn("why", "blobs", "w5").out
    assert shown.startswith("blobs w5, no version\n\nWindow\n  w5: 239 rows from ")
    assert "nothing was trained." in shown


def test_why_of_a_file_that_was_kept_out_says_what_was_wrong_with_it(grown: Any) -> None:
    said = grown.place.growlearn("why", "blobs", "w3").out
    assert "It was quarantined: " in said
    assert "the file is empty" in said


def test_why_of_what_is_not_there_lists_what_is(grown: Any) -> None:
    said = grown.place.growlearn("why", "blobs", "9")
    assert (said.code, said.out) == (1, "")
    assert "there is no version 9" in said.err
    assert "known versions: 1, 2" in said.err
