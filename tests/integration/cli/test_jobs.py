"""init, apply, delete, db: streams come and go, and a bad job file changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from growlearn.adapters.db.tables import HEAD


def test_a_job_is_drafted_applied_changed_and_forgotten(place: Any) -> None:
    place.drop("1.parquet", turned=False, seed=1)
    drafted = place.growlearn("init", "incoming", "--name", "points")
    assert (drafted.code, drafted.err) == (0, "")
    assert "wrote points.yaml: 2 inputs, label 'label', no task column" in drafted.out
    assert place.growlearn("init", "incoming", "--name", "points").code == 1  # never written over

    created = place.growlearn("apply", "points.yaml")
    assert (created.code, created.out.splitlines()[0]) == (0, "created stream points")
    assert "; next: " in created.out
    assert place.growlearn("apply", "points.yaml").out.startswith("updated stream points")
    assert place.growlearn("status", "--json").json["streams"] == [
        {"name": "points", "state": "new", "champion": None, "pending": 0}
    ]
    assert place.growlearn("delete", "points", "--yes").code == 0
    assert place.growlearn("status", "--json").json == {"streams": []}


@pytest.mark.parametrize("command", ["apply", "run"])
def test_a_bad_job_file_is_told_with_line_key_and_the_nearest_right_key(command: str, place: Any) -> None:
    path = place.folder / "blobs.yaml"
    path.write_text(path.read_text().replace("growth:", "groth:").replace("holdout: 0.3", "holdout: 1.5"))
    done = place.growlearn(command, "blobs.yaml")
    assert done.code == 2
    assert "line 9: groth: no such key; did you mean 'growth'?" in done.err
    path.write_text(path.read_text().replace("groth:", "growth:"))
    done = place.growlearn(command, "blobs.yaml")
    assert (done.code, "line 12: holdout: holdout 1.5 must lie between 0 and 0.9" in done.err) == (2, True)
    assert place.growlearn("status", "--json").json == {"streams": []}


def test_a_folder_that_is_not_there_is_named(place: Any) -> None:
    (place.folder / "incoming").rmdir()
    done = place.growlearn("run", "blobs.yaml")
    assert done.code == 1
    assert f"source folder {place.folder / 'incoming'} does not exist" in done.err


def test_a_misspelt_setting_is_refused(place: Any) -> None:
    (place.folder / "growlearn.toml").write_text('databse_url = "sqlite:///x.db"\n')
    done = place.growlearn("status")
    assert done.code == 1
    assert "did you mean 'database_url'?" in done.err


def test_the_database_is_made_checked_and_told_when_it_was_changed(place: Any) -> None:
    assert f"{HEAD} is wanted: growlearn db upgrade" in place.growlearn("db", "check").out
    assert place.growlearn("db", "upgrade").code == 0
    assert place.growlearn("db", "check").code == 0


def test_a_database_whose_making_was_cut_short_is_made_at_the_next_start(place: Any) -> None:
    (place.folder / ".growlearn").mkdir()
    (place.folder / ".growlearn" / "growlearn.db").touch()  # SQLite makes the file before its tables
    assert place.growlearn("status", "--json").json == {"streams": []}


def test_several_may_start_at_once_where_nothing_is_yet(place: Any) -> None:
    processes = [place.start("status", "--json") for _ in range(3)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said


def test_a_job_is_not_drafted_where_it_cannot_be_written_or_named(place: Any) -> None:
    place.drop("1.parquet", turned=False, seed=1)
    nowhere = place.growlearn("init", "incoming", "--out", "absent/x.yaml")
    assert (nowhere.code, "cannot write absent/x.yaml: No such file" in nowhere.err) == (1, True)
    misnamed = place.growlearn("init", "incoming", "--name", "Bad Name")
    assert (misnamed.code, "choose another with --name" in misnamed.err) == (1, True)
