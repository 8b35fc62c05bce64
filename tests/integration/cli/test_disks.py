"""A disk that is full, and a home that can only be read."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.mounted import can_mount, run_mounted

pytestmark = pytest.mark.skipif(not can_mount(), reason="this machine lets no process mount a file system")

READS: list[tuple[str, ...]] = [
    ("status", "--json"),
    ("windows", "blobs"),
    ("windows", "blobs", "w1", "--json"),
    ("drift", "blobs", "w2"),
    ("lineage", "blobs", "--json"),
    ("matrix", "blobs"),
    ("versions", "blobs", "--json"),
    ("why", "blobs"),
    ("why", "blobs", "w3", "--json"),
    ("evaluate", "blobs"),
    ("predict", "blobs", "incoming/1.parquet"),
    ("db", "check"),
]
WRITES: list[tuple[str, ...]] = [
    ("apply", "blobs.yaml"),
    ("rollback", "blobs"),
    ("delete", "blobs", "--yes"),
    ("run", "blobs"),
]
FULL = "the disk is full: "
READONLY = [["mount", "--bind", ".growlearn", ".growlearn"], ["mount", "-o", "remount,ro,bind", ".growlearn"]]


def leave_log(home: Path, *, with_index: bool) -> None:
    """The database as a killed process leaves it: its last transaction only in the log."""
    file = home / "growlearn.db"
    left = home / "left"
    left.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE growlearn_windows SET reason = 'only in the log' WHERE number = 1")
        connection.commit()
        for suffix in ("", "-wal", "-shm") if with_index else ("", "-wal"):
            shutil.copy(f"{file}{suffix}", left / f"growlearn.db{suffix}")
    for path in left.iterdir():
        path.replace(home / path.name)
    left.rmdir()


@pytest.mark.parametrize("log", ["none", "log", "log and index"])
def test_a_home_that_can_only_be_read_is_read_as_ever_and_stays_as_it_is(copied: Any, log: str) -> None:
    home = copied.folder / ".growlearn"
    if log != "none":
        leave_log(home, with_index=log == "log and index")
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    commands = [*READS, *WRITES, ("doctor",)]
    steps = [*READONLY, *(["growlearn", *command] for command in commands)]
    done = dict(zip(commands, run_mounted(copied.folder, copied.environment, steps), strict=True))
    after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert after == before
    for command in READS:
        expected = copied.growlearn(*command)
        assert (done[command].code, done[command].err) == (expected.code, expected.err), command
        assert _without_seconds(done[command].out) == _without_seconds(expected.out), command
    assert ("only in the log" in done["windows", "blobs"].out) == (log != "none")
    for command in WRITES:
        assert done[command].code == 1, command
        assert "readonly database" in done[command].err or "Read-only" in done[command].err, command
        assert "Traceback" not in done[command].err
    doctor = done["doctor",]
    assert doctor.code == 1
    assert re.search(r"error +disk +home: this user may not write to", doctor.out)
    assert re.search(r"ok +database", doctor.out)


def _without_seconds(text: str) -> str:
    return re.sub(r"\d+\.\d+ s\b|\"next_look\": .*", "", text)


def test_a_full_disk_is_called_one_and_nothing_is_lost_when_it_has_room_again(empty_place: Any) -> None:
    place = empty_place
    place.drop("1.parquet", turned=False, seed=1)
    (place.folder / ".growlearn").mkdir()
    sizes = [100, 470, 1100, 2200, 20_000]  # in KiB: no tables, no weights, no MLflow store, half of one, all
    steps: list[list[str]] = [["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", ".growlearn"]]
    for size in sizes:
        steps += [["mount", "-o", f"remount,size={size}k", ".growlearn"], ["growlearn", "run", "blobs.yaml"]]
    *failed, _complete = runs = run_mounted(
        place.folder,
        place.environment,
        [*steps, ["growlearn", "versions", "blobs", "--json"], ["growlearn", "windows", "blobs", "--json"]],
    )[: len(sizes)]
    assert not [run.err for run in runs if "Traceback" in run.err]
    assert all(FULL in run.err and "free space there, then run the same again" in run.err for run in failed)
    assert [run.code for run in failed[:2]] == [1, 1]


def test_a_full_disk_does_not_cost_a_prediction_its_reason(copied: Any) -> None:
    (copied.folder / "full").mkdir()
    steps = [
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "full"],
        ["sh", "-c", "head -c 4096 /dev/zero > full/rest"],
        ["growlearn", "predict", "blobs", "incoming/1.parquet", "--out", "full/p.parquet"],
        ["growlearn", "predict", "blobs", "incoming/1.parquet", "--out", "full/p.csv"],
        ["growlearn", "export", "blobs", "1", "full/model"],
        ["growlearn", "init", "incoming", "--out", "full/job.yaml"],
    ]
    done = run_mounted(copied.folder, copied.environment, steps)
    assert [run.code for run in done] == [1, 1, 1, 1]
    assert all(run.err.startswith(f"error: {FULL}") for run in done), [run.err for run in done]
