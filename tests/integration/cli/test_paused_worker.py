"""A worker that is stopped for longer than its lease and goes on, as a paused machine does."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.db.store import open_db_store
from growlearn.domain.window import WindowState
from growlearn.ports import Store

LIMIT_S = 240
LOST = re.compile(r"window w1 of stream 'blobs' is (no longer this worker's|.*; it was to be growing)")
"""What the worker says: as its training reports progress, or the store, where that had just ended."""


def wait_until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come about in {LIMIT_S} s"
        time.sleep(0.05)  # other processes: there is no clock to inject


@pytest.fixture(params=["sqlite", "postgres"])
def shared_place(request: pytest.FixtureRequest, place: Any) -> Any:
    """A place with a long training, on each kind of database; a lease lasts four seconds."""
    changes = {"GROWLEARN_LEASE_S": "4", "GROWLEARN_POLL_S": "0.2"}
    changes["TESTS_COLD"] = "training"  # it is a child of the worker
    if request.param == "postgres":
        changes["GROWLEARN_DATABASE_URL"] = request.getfixturevalue("empty_postgres_url")
    changed = replace(place, environment=place.environment | changes)
    if request.param == "postgres":
        assert changed.growlearn("db", "upgrade").code == 0
    job = place.folder / "blobs.yaml"
    job.write_text(job.read_text().replace("epochs: 15", "epochs: 400, patience: 400"))
    assert changed.growlearn("apply", "blobs.yaml").code == 0
    changed.drop("1.parquet", turned=False, seed=1)
    return changed


@pytest.fixture
def record(shared_place: Any) -> Any:
    url = shared_place.environment.get("GROWLEARN_DATABASE_URL")
    with open_db_store(url or f"sqlite:///{shared_place.folder / '.growlearn' / 'growlearn.db'}") as opened:
        yield opened


def list_children(pid: int) -> list[int]:
    """The training processes of a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"training_process" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def is_training(folder: Path) -> bool:
    return bool(list((folder / ".growlearn" / "scratch" / "blobs").glob("*/checkpoint.safetensors")))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pause(pid: int, folder: Path) -> None:
    """Stop a process between two writes: one that is stopped within a write keeps SQLite's only lock."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        database = sqlite3.connect(folder / ".growlearn" / "growlearn.db", timeout=1)
        with closing(database), suppress(sqlite3.OperationalError):
            database.execute("BEGIN IMMEDIATE")
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)


def claim_of(record: Store) -> int:
    windows = record.windows("blobs")
    return windows[0].claim if windows else 0


@pytest.mark.timeout(600)
def test_a_worker_paused_past_its_lease_ends_its_training_and_writes_nothing_more(
    shared_place: Any, record: Store
) -> None:
    paused = shared_place.start("up")
    other: subprocess.Popen[str] | None = None
    try:
        wait_until(lambda: is_training(shared_place.folder), "the first training")
        (child,) = list_children(paused.pid)
        pause(paused.pid, shared_place.folder)
        other = shared_place.start("run", "blobs")
        wait_until(lambda: claim_of(record) > 1, "the second claim")
        os.kill(paused.pid, signal.SIGCONT)
        wait_until(lambda: not is_alive(child), "the end of the first training")
        _out, err = other.communicate(timeout=LIMIT_S)
        assert other.returncode == 0, err
        (window,) = record.windows("blobs")
        assert window.state is WindowState.PROMOTED
        assert paused.poll() is None  # it goes on with other work
    finally:
        os.kill(paused.pid, signal.SIGCONT)
        for process in (paused, other):
            if process is not None:
                process.send_signal(signal.SIGTERM)
        out, err = paused.communicate(timeout=LIMIT_S)
    assert LOST.search(out + err), out + err
    assert " error: " not in err, err
    assert [(branch.id, branch.version) for branch in record.branches("blobs")] == [("b1", 1)]
    moves = [
        entry.transition.target for entry in record.decision_log("blobs") if entry.transition is not None
    ]
    assert [target.value for target in moves] == ["judged", "growing", "evaluated", "promoted"]
