"""`growlearn doctor` on an installation that works, one with nothing in it, and one that was damaged."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from growlearn.app.doctor.checks import OF_THE_INSTALLATION, OF_THE_PREMISES, OF_THE_RECORD

NAMES = {check.__name__ for check in (*OF_THE_INSTALLATION, *OF_THE_PREMISES, *OF_THE_RECORD)}


def states(findings: list[dict[str, Any]]) -> dict[str, set[str]]:
    return {name: {each["state"] for each in findings if each["check"] == name} for name in NAMES}


def test_an_installation_that_works_has_nothing_wrong(grown: Any) -> None:
    done = grown.place.growlearn("doctor", "--json")
    findings = done.json["findings"]
    assert (done.code, done.err) == (0, "")
    assert all(list(each) == ["check", "state", "found", "cure"] for each in findings)
    found = states(findings)
    assert [name for name in NAMES if not found[name] or "wrong" in found[name]] == []
    theirs = {
        name: told for name, told in found.items() if name not in ("disk", "packages")
    }  # the machine's own
    assert set().union(*theirs.values()) == {"ok"}
    assert all((each["cure"] is None) == (each["state"] == "ok") for each in findings)


def test_where_nothing_is_yet_the_way_in_is_told_and_nothing_is_made(place: Any) -> None:
    before = sorted(os.listdir(place.folder))
    done = place.growlearn("doctor")
    assert (done.code, done.err) == (0, "")
    told = done.out.splitlines()
    [line] = [
        number for number, text in enumerate(told) if text.startswith("warning  database     nothing here")
    ]
    assert told[line + 1] == " " * 22 + "→ run: growlearn demo, or growlearn init DATA"
    assert sorted(os.listdir(place.folder)) == before


def test_a_stored_branch_that_was_altered_is_wrong_and_told_with_its_cure(grown: Any, tmp_path: Path) -> None:
    shutil.copytree(grown.place.folder / ".growlearn", tmp_path / ".growlearn")
    place = replace(grown.place, folder=tmp_path)
    [branch, *_] = place.growlearn("lineage", "blobs", "--json").json["branches"]
    [path] = (tmp_path / ".growlearn" / "artifacts").rglob(branch["sha256"])
    path.write_bytes(b"something else")

    done = place.growlearn("doctor")

    assert done.code == 1
    line = f"wrong    artifacts    artifact {path} does not hold what was stored; needed by version 2"
    told = done.out.splitlines()
    [number] = [number for number, text in enumerate(told) if text.startswith(line)]
    assert told[number + 1] == " " * 22 + "→ bring that file back from a backup"


def test_a_misspelt_setting_does_not_keep_the_rest_from_being_looked_at(place: Any) -> None:
    (place.folder / "growlearn.toml").write_text('databse_url = "sqlite:///x.db"\n')
    done = place.growlearn("doctor", "--json")
    findings = done.json["findings"]
    assert done.code == 1
    assert [each["check"] for each in findings] == ["python", "packages", "torchvision", "settings"]
    assert (findings[-1]["state"], findings[-1]["cure"]) == ("wrong", "did you mean 'database_url'?")
