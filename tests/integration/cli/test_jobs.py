"""init, apply, delete, db: streams come and go, and a bad job file changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from growlearn.adapters.db.tables import HEAD_REVISION


def test_a_job_is_drafted_applied_changed_and_forgotten(empty_place: Any) -> None:
    empty_place.drop("1.parquet", turned=False, seed=1)
    drafted = empty_place.growlearn("init", "incoming", "--name", "points")
    assert (drafted.code, drafted.err) == (0, "")
    assert "wrote points.yaml: 2 inputs, label 'label', no task column" in drafted.out
    assert empty_place.growlearn("init", "incoming", "--name", "points").code == 1  # never written over

    created = empty_place.growlearn("apply", "points.yaml")
    assert (created.code, created.out.splitlines()[0]) == (0, "created stream points")
    assert "; next: " in created.out
    assert empty_place.growlearn("apply", "points.yaml").out.startswith("updated stream points")
    (stream,) = empty_place.growlearn("status", "--json").json["streams"]
    assert stream.pop("next_look") is not None
    assert stream == {
        "name": "points", "state": "new", "champion": None, "canary": None, "share_percent": None,
        "pending": 0, "last_look": None,
    }  # fmt: skip
    assert empty_place.growlearn("delete", "points", "--yes").code == 0
    assert empty_place.growlearn("status", "--json").json["streams"] == []


@pytest.mark.parametrize("command", ["apply", "run"])
def test_a_bad_job_file_is_told_with_line_key_and_the_nearest_right_key(
    command: str, empty_place: Any
) -> None:
    path = empty_place.folder / "blobs.yaml"
    path.write_text(path.read_text().replace("growth:", "groth:").replace("fraction: 0.3", "fraction: 1.5"))
    done = empty_place.growlearn(command, "blobs.yaml")
    assert done.code == 2
    assert "line 9: groth: no such key; did you mean 'growth'?" in done.err
    path.write_text(path.read_text().replace("groth:", "growth:"))
    done = empty_place.growlearn(command, "blobs.yaml")
    assert (done.code, "line 13: holdout.fraction: fraction 1.5 must lie between 0 and 0.9" in done.err) == (
        2,
        True,
    )
    assert empty_place.growlearn("status", "--json").json["streams"] == []


def test_a_folder_that_is_not_there_is_named(empty_place: Any) -> None:
    (empty_place.folder / "incoming").rmdir()
    done = empty_place.growlearn("run", "blobs.yaml")
    assert done.code == 1
    assert f"source folder {empty_place.folder / 'incoming'} does not exist" in done.err


def test_a_misspelt_setting_is_refused(empty_place: Any) -> None:
    (empty_place.folder / "growlearn.toml").write_text('databse_url = "sqlite:///x.db"\n')
    done = empty_place.growlearn("status")
    assert done.code == 1
    assert "did you mean 'database_url'?" in done.err


def test_the_database_is_made_checked_and_told_when_it_was_changed(empty_place: Any) -> None:
    assert f"{HEAD_REVISION} is wanted: growlearn db upgrade" in empty_place.growlearn("db", "check").out
    assert empty_place.growlearn("db", "upgrade").code == 0
    assert empty_place.growlearn("db", "check").code == 0


def test_a_database_whose_making_was_cut_short_is_made_at_the_next_start(empty_place: Any) -> None:
    (empty_place.folder / ".growlearn").mkdir()
    (empty_place.folder / ".growlearn" / "growlearn.db").touch()  # SQLite makes the file before its tables
    assert empty_place.growlearn("status", "--json").json["streams"] == []


def test_several_may_start_at_once_where_nothing_is_yet(empty_place: Any) -> None:
    processes = [empty_place.start("status", "--json") for _ in range(3)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said


def test_a_job_is_not_drafted_where_it_cannot_be_written_or_named(empty_place: Any) -> None:
    empty_place.drop("1.parquet", turned=False, seed=1)
    nowhere = empty_place.growlearn("init", "incoming", "--out", "absent/x.yaml")
    assert (nowhere.code, "cannot write absent/x.yaml: No such file" in nowhere.err) == (1, True)
    misnamed = empty_place.growlearn("init", "incoming", "--name", "Bad Name")
    assert (misnamed.code, "choose another with --name" in misnamed.err) == (1, True)
