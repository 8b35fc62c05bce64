"""A history replayed from the command line, beside a stream that has learned it already."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest


def tree(folder: Path) -> dict[str, str]:
    """What the files hold; SQLite's shared memory and an empty log come and go with its connections."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".db-shm"
        if path.suffix != ".db-wal" or path.stat().st_size
    }


def test_the_record_the_files_and_mlflow_are_only_read(grown: Any) -> None:
    place = grown.place
    before = tree(place.folder)
    done = place.growlearn("backtest", "blobs.yaml", "--data", "incoming", "--json")
    assert done.code == 3, done.err  # an empty file and a row are quarantined, as in production
    assert "3-empty.parquet: the file is empty" in done.err
    assert tree(place.folder) == before
    view = done.json
    assert (view["started_from"], view["seconds_per_row_source"]) == (2, "recorded trainings")
    job, *_ = view["policies"]
    assert [(w["verdict"], w["task"]) for w in job["history"]] == [
        ("known task", "task-1"),
        ("known task", "task-2"),
        ("known task", "task-1"),
        ("stable", "task-1"),
    ]
    assert (job["alarms"], job["trainings"], job["hours"]) == (0, 0, 0)
    assert job["accuracy"] > 0.9  # both regimes are known and trained


def test_from_scratch_starts_without_a_model(grown: Any) -> None:
    view = grown.place.growlearn(
        "backtest", "blobs.yaml", "--data", "incoming", "--from-scratch", "--period", "2", "--json"
    ).json
    assert (view["started_from"], view["period"]) == (None, 2)
    assert list(view) == [
        "stream", "started_from", "epochs", "seconds_per_row", "seconds_per_row_source", "period",
        "regime_column", "policies",
    ]  # fmt: skip
    assert list(view["policies"][0]) == [
        "policy", "windows", "alarms", "trainings", "hours", "accuracy", "labelled_rows", "changes",
        "mean_delay", "missed", "false_alarms", "recurrences", "recurrences_detected", "history",
        "metric", "value",
    ]  # fmt: skip
    trainings = {policy["policy"]: policy["trainings"] for policy in view["policies"]}
    assert trainings == {"blobs": 2, "never": 1, "always": 4, "periodic": 2}


def test_tables_timelines_and_a_picture_for_people(empty_place: Any) -> None:
    for at, turned in enumerate((False, True, False), 1):
        empty_place.drop(f"{at}.parquet", turned=turned, seed=at)
    done = empty_place.growlearn("backtest", "blobs.yaml", "--data", "incoming", "--plot", "out.png")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert "trainings" in lines[1]
    assert [line.split() for line in lines if " w1 " in line] == [
        ["blobs", "w1", "FD="],
        ["never", "w1", "F.."],
        ["always", "w1", "FDD"],
        ["periodic", "w1", "FDD"],
    ]
    assert "from a few batches on this machine" in done.out
    assert "replaying blobs" in done.err
    assert sorted(path.name for path in empty_place.folder.iterdir()) == ["blobs.yaml", "incoming", "out.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["blobs.yaml", "--data", "nowhere"], 1, "error: nowhere does not exist (point --data to"),
        (["none.yaml", "--data", "incoming"], 2, "cannot read none.yaml"),
        (["blobs.yaml"], 2, "Missing option '--data'"),
        (["blobs.yaml", "--data", "incoming", "--period", "0"], 2, "Invalid value for '--period'"),
        (["blobs.yaml", "--data", "incoming", "--plot", "a.gif"], 1, "a.gif is not a PNG file"),
    ],
)
def test_bad_usage_has_its_exit_code(empty_place: Any, arguments: list[str], code: int, said: str) -> None:
    done = empty_place.growlearn("backtest", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err


def test_drift_begins_with_a_timeline(grown: Any) -> None:
    lines = grown.place.growlearn("drift", "blobs").out.splitlines()
    assert lines[:2] == ["w1  FD=.", "f first   . stable   d drift   = known task   a capital: grown for"]
    assert "w1  FD" not in grown.place.growlearn("drift", "blobs", "w2").out
