"""`growlearn doctor` on an installation that works, one with nothing in it, and one that was damaged."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from growlearn.app.doctor.checks import INSTALLATION_CHECKS, SETTINGS_CHECKS, STORE_CHECKS

NAMES = {check.__name__ for check in (*INSTALLATION_CHECKS, *SETTINGS_CHECKS, *STORE_CHECKS)}


def states(findings: list[dict[str, Any]]) -> dict[str, set[str]]:
    return {name: {row["state"] for row in findings if row["check"] == name} for name in NAMES}


def test_an_installation_that_works_has_nothing_wrong(grown: Any) -> None:
    done = grown.place.growlearn("doctor", "--json")
    findings = done.json["findings"]
    assert (done.code, done.err) == (0, "")
    assert all(list(finding) == ["check", "state", "message", "hint"] for finding in findings)
    by_check = states(findings)
    assert [name for name in NAMES if not by_check[name] or "error" in by_check[name]] == []
    machine_checks = ("disk", "packages")
    assert set().union(*(by_check[name] for name in NAMES if name not in machine_checks)) == {"ok"}
    assert all((finding["hint"] is None) == (finding["state"] == "ok") for finding in findings)


def test_where_nothing_is_yet_the_way_in_is_told_and_nothing_is_made(empty_place: Any) -> None:
    before = sorted(os.listdir(empty_place.folder))
    done = empty_place.growlearn("doctor")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    [number] = [
        number for number, line in enumerate(lines) if line.startswith("warning  database     nothing here")
    ]
    assert lines[number + 1] == " " * 22 + "→ run: growlearn demo, or growlearn init DATA"
    assert sorted(os.listdir(empty_place.folder)) == before


def test_a_stored_branch_that_was_altered_is_wrong_and_told_with_its_cure(grown: Any, tmp_path: Path) -> None:
    shutil.copytree(grown.place.folder / ".growlearn", tmp_path / ".growlearn")
    place = replace(grown.place, folder=tmp_path)
    [branch, *_] = place.growlearn("lineage", "blobs", "--json").json["branches"]
    [path] = (tmp_path / ".growlearn" / "artifacts").rglob(branch["sha256"])
    path.write_bytes(b"something else")

    done = place.growlearn("doctor")

    assert done.code == 1
    start = f"error    artifacts    artifact {path} does not hold what was stored; needed by version 2"
    lines = done.out.splitlines()
    [number] = [number for number, line in enumerate(lines) if line.startswith(start)]
    assert lines[number + 1] == " " * 22 + "→ bring that file back from a backup"


def test_a_misspelt_setting_does_not_keep_the_rest_from_being_looked_at(empty_place: Any) -> None:
    (empty_place.folder / "growlearn.toml").write_text('databse_url = "sqlite:///x.db"\n')
    done = empty_place.growlearn("doctor", "--json")
    findings = done.json["findings"]
    assert done.code == 1
    assert [finding["check"] for finding in findings] == ["python", "packages", "torchvision", "settings"]
    assert (findings[-1]["state"], findings[-1]["hint"]) == ("error", "did you mean 'database_url'?")
