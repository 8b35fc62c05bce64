"""fsck tells missing files, changed ones, changed manifests, dangling rows and unreferenced files apart."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Place

HOME = ".growlearn"


def execute(place: Place, statement: str, *values: Any) -> Any:
    """A statement with foreign keys off, as any program could run it."""
    with closing(sqlite3.connect(place.folder / HOME / "growlearn.db")) as database, database:
        return database.execute(statement, values).fetchall()


def read_tree(folder: Path) -> dict[Path, tuple[bytes, int] | None]:
    """The bytes and the time of every file; of SQLite's shared memory only that it is there.

    Every reader notes its locks in that memory (`-shm`), and the kernel stamps it when it likes.
    """
    return {
        path: None
        if path.is_dir() or path.name.endswith("-shm")
        else (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def path_of(place: Place, digest: str) -> Path:
    return place.folder / HOME / "artifacts" / digest[:2] / digest[2:4] / digest


def branch_digest(place: Place) -> str:
    [(digest,)] = execute(place, "SELECT sha256 FROM growlearn_branches WHERE id = 'b1'")
    return str(digest)


def test_what_was_really_grown_is_sound(grown: Any) -> None:
    done = grown.place.growlearn("fsck", "--json")
    view = done.json
    assert (done.code, view["damage"]) == (0, [])
    assert (view["sound"], view["streams"]) == (True, 1)
    # candidates that were trained and not chosen leave files that no row refers to
    assert view["files"] - view["references"] == len(view["unreferenced"]) < view["references"]
    assert view["bytes"] > 10_000


def test_its_lines_are_for_people(copied: Place) -> None:
    (copied.folder / HOME / "artifacts" / "notes.txt").write_text("mine")
    path_of(copied, branch_digest(copied)).unlink()
    done = copied.growlearn("fsck")
    assert done.code == 1
    missing, fix, unreferenced, summary = done.out.splitlines()
    assert missing.startswith("missing file: artifact ")
    assert missing.endswith("; needed by version 1 of stream 'blobs', branches b1, sha256")
    assert fix.startswith("  -> bring it back from a backup")
    assert unreferenced.startswith("unreferenced: ")
    assert unreferenced.endswith(" MB, that no row refers to")
    assert summary.startswith("1 damaged: 1 streams, ")


def remove_file(place: Place) -> None:
    path_of(place, branch_digest(place)).unlink()


def flip_byte(place: Place) -> None:
    path = path_of(place, branch_digest(place))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def swap_classes(place: Place) -> None:
    swap = "replace(manifest, '\"classes\":[0,1]', '\"classes\":[1,0]')"
    execute(place, f"UPDATE growlearn_versions SET manifest = {swap} WHERE number = 1")


def delete_window(place: Place) -> None:
    execute(place, "DELETE FROM growlearn_windows WHERE number = 5")


def move_champion(place: Place) -> None:
    execute(place, "UPDATE growlearn_streams SET champion = 1")


def break_job(place: Place) -> None:
    execute(place, "UPDATE growlearn_growths SET result = 'no JSON' WHERE window = 2")


def damage_index(place: Place) -> None:
    """Take a row out of an index, which a look at the tables alone would not see."""
    with closing(sqlite3.connect(place.folder / HOME / "growlearn.db")) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = "
            "'ix_growlearn_outbox_stream_delivered_at') WHERE name = 'ix_growlearn_windows_stream_state'"
        )


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (remove_file, {"missing file"}),
        (flip_byte, {"changed file"}),
        (swap_classes, {"changed manifest"}),
        (delete_window, {"dangling row", "contradiction"}),
        (move_champion, {"contradiction"}),
        (break_job, {"unreadable"}),
        (damage_index, {"unreadable"}),
    ],
)
def test_each_kind_of_damage_has_its_name_and_exit_code(
    copied: Place, damage: Callable[[Place], None], kinds: set[str]
) -> None:
    damage(copied)
    done = copied.growlearn("fsck", "--json")
    assert (done.code, done.json["sound"]) == (1, False)
    assert {found["kind"] for found in done.json["damage"]} == kinds, done.json["damage"]
    assert all(found["message"] and found["hint"] for found in done.json["damage"])


def test_files_that_no_row_refers_to_are_no_damage_unless_their_hash_is_wrong(copied: Place) -> None:
    home = copied.folder / HOME
    digest = "0" * 64
    path_of(copied, digest).parent.mkdir(parents=True)
    path_of(copied, digest).write_bytes(b"anything")
    (home / "artifacts" / ".leftover.tmp").write_bytes(b"part")
    view = copied.growlearn("fsck", "--json").json
    assert [(found["kind"], found["sha256"]) for found in view["damage"]] == [("changed file", digest)]
    assert view["damage"][0]["message"].endswith("; no row refers to it")
    told = [(file["sha256"], file["bytes"]) for file in view["unreferenced"]]
    assert {(None, 4), (digest, 8)} <= set(told)


def test_a_folder_of_files_that_is_away_is_one_finding(copied: Place) -> None:
    shutil.rmtree(copied.folder / HOME / "artifacts")
    [found] = copied.growlearn("fsck", "--json").json["damage"]
    assert (found["kind"], "there is no such folder" in found["message"]) == ("unreadable", True)


def test_it_writes_nothing(copied: Place) -> None:
    home = copied.folder / HOME
    before = read_tree(home)
    assert copied.growlearn("fsck").code == 0
    assert read_tree(home) == before


def test_where_there_is_no_database_the_doctor_is_named(empty_place: Place) -> None:
    done = empty_place.growlearn("fsck")
    assert (done.code, "run: growlearn doctor" in done.err) == (1, True)
    assert not (empty_place.folder / HOME).exists()


def test_a_plan_whose_model_was_changed_contradicts_its_version(copied: Place) -> None:
    [(text,)] = execute(copied, "SELECT plan FROM growlearn_growths WHERE window = 2")
    plan = json.loads(text)
    plan["parent_manifest"]["tasks"][0]["classes"].reverse()
    execute(copied, "UPDATE growlearn_growths SET plan = ? WHERE window = 2", json.dumps(plan))
    found = copied.growlearn("fsck", "--json").json["damage"]
    assert [each["kind"] for each in found] == ["contradiction"]
    assert "the plan of w2 has another manifest than version 1" in found[0]["message"]
