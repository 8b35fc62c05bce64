"""Versions made again from the command line, and versions that are not what they were."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".db-shm", ".db-wal")
    }


def rewrite(place: Any, column: str, change: Callable[[Any], None]) -> None:
    """Alter what the record says of how w2 was grown."""
    with closing(sqlite3.connect(place.folder / ".growlearn" / "growlearn.db")) as database, database:
        (text,) = database.execute(f"SELECT {column} FROM growlearn_growths WHERE window = 2").fetchone()
        stored = json.loads(text)
        change(stored)
        database.execute(f"UPDATE growlearn_growths SET {column} = ? WHERE window = 2", (json.dumps(stored),))


def test_both_versions_are_reproduced_bit_for_bit_and_nothing_is_changed(grown: Any) -> None:
    before = tree(grown.place.folder)
    first = grown.place.growlearn("reproduce", "blobs", "1")
    assert first.code == 0, first.err
    assert first.out.startswith("blobs: version 1 (b1 from w1) reproduced in ")
    assert first.out.endswith(" s with 1 thread on cpu: bit-equal\n")
    assert "training: " in first.err
    second = grown.place.growlearn("reproduce", "blobs", "2", "--json")
    assert second.code == 0, second.err
    assert list(second.json) == [
        "stream", "version", "window", "retrained", "verdict", "tolerance", "answer_difference",
        "weight_difference", "compared_rows", "tensor_differences", "environment", "threads", "device",
        "seconds",
    ]  # fmt: skip
    assert (second.json["verdict"], second.json["retrained"]) == ("bit-equal", ["b2"])
    assert (second.json["tensor_differences"], second.json["environment"]) == ([], [])
    assert (second.json["threads"], second.json["answer_difference"]) == (1, 0)
    assert tree(grown.place.folder) == before


def test_another_seed_is_different_with_the_place_and_exit_code_1(copied: Any) -> None:
    rewrite(copied, "plan", lambda plan: plan.update(seed=plan["seed"] + 1))
    done = copied.growlearn("reproduce", "blobs", "2", "--tolerance", "0.000001")
    assert done.code == 1, done.err
    lines = done.out.splitlines()
    assert lines[0].endswith(": different")
    assert lines[1].startswith("largest difference of a probability ")
    assert any("branch b2" in line and "branch.layers.0." in line for line in lines)
    assert "code, packages, processor and threads are those it was made with" in lines
    loose = copied.growlearn("reproduce", "blobs", "2", "--tolerance", "1", "--json")
    assert (loose.code, loose.json["verdict"]) == (0, "within tolerance"), loose.err
    assert loose.json["tensor_differences"][0]["difference"] == loose.json["weight_difference"]


def test_other_circumstances_are_named(copied: Any) -> None:
    def elsewhere(result: Any) -> None:
        result["environment"] |= {"cpu": "another", "code_sha256": "0" * 64}

    rewrite(copied, "plan", lambda plan: plan.update(seed=plan["seed"] + 1))
    rewrite(copied, "result", elsewhere)
    out = copied.growlearn("reproduce", "blobs", "2").out
    assert "another" in out
    assert " 000000000000 " in out  # a hash by its first letters


def test_deleted_rows_are_an_error_that_names_them(copied: Any) -> None:
    gone: list[str] = []
    rewrite(copied, "plan", lambda plan: gone.append(plan["train"]))
    (digest,) = gone
    (copied.folder / ".growlearn" / "artifacts" / digest[:2] / digest[2:4] / digest).unlink()
    done = copied.growlearn("reproduce", "blobs", "2")
    assert (done.code, done.out) == (1, "")
    assert f"missing or damaged in the artifacts are rows 'train' ({digest})" in done.err


def test_a_version_that_answers_otherwise_is_not_moved_to_unless_told(copied: Any) -> None:
    assert copied.growlearn("rollback", "blobs").code == 0
    other: list[str] = []
    with closing(sqlite3.connect(copied.folder / ".growlearn" / "growlearn.db")) as database:
        (text,) = database.execute("SELECT result FROM growlearn_growths WHERE window = 1").fetchone()
        other.append(json.loads(text)["check_logits"])
    rewrite(copied, "result", lambda result: result.update(check_logits=other[0]))
    refused = copied.growlearn("promote", "blobs", "2")
    assert (refused.code, refused.out) == (1, "")
    assert "nothing was changed: version 2 of stream 'blobs' is not verified: " in refused.err
    assert copied.growlearn("status", "--json").json["streams"][0]["champion"] == 1
    done = copied.growlearn("promote", "blobs", "2", "--unverified")
    assert (done.code, done.out) == (0, "blobs: champion version 1 -> version 2\n")
    assert done.err.startswith("blobs: not verified: ")
    rewrite(copied, "result", lambda result: result.pop("check_logits"))
    copied.growlearn("rollback", "blobs")
    old = copied.growlearn("promote", "blobs", "2")
    assert (old.code, "not verified: version 2 has no stored check logits" in old.err) == (1, True)


def test_a_version_that_cannot_be_loaded_is_never_moved_to(copied: Any) -> None:
    """Its weights are gone; then its manifest has swapped classes."""
    folder = copied.folder / ".growlearn"
    with closing(sqlite3.connect(folder / "growlearn.db")) as database, database:
        query = "SELECT manifest FROM growlearn_versions WHERE number = 1"
        (manifest,) = database.execute(query).fetchone()
        digest = json.loads(manifest)["branches"][0]["sha256"]
        weights = folder / "artifacts" / digest[:2] / digest[2:4] / digest
        content = weights.read_bytes()
        weights.unlink()
        lost = copied.growlearn("rollback", "blobs", "--unverified")
        weights.write_bytes(content)
        database.execute(
            "UPDATE growlearn_versions SET manifest = ? WHERE number = 1",
            (manifest.replace('"classes":[0,1]', '"classes":[1,0]'),),
        )
        database.commit()
        swapped = copied.growlearn("rollback", "blobs", "--unverified")
        asked = copied.growlearn("predict", "blobs", "incoming/1.parquet", "--version", "1", "--out", "p.csv")
    assert (lost.code, swapped.code, asked.code) == (1, 1, 1)
    assert f"{digest} is missing" in lost.err
    for answer in (swapped, asked):
        assert "the manifest of version 1 of stream 'blobs' was changed after it was recorded" in answer.err
    assert copied.growlearn("status", "--json").json["streams"][0]["champion"] == 2
    assert copied.growlearn("predict", "blobs", "incoming/1.parquet", "--out", "p.csv").code == 0
