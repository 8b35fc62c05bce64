"""Labels that arrive in a file of their own, from the command line: killed in between, and by two at once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.mark.timeout(420)
def test_a_window_waits_for_labels_that_come_for_half_of_its_rows_and_is_grown_once(
    make_home: Callable[[str], Any], digits: tuple[Any, list[int]]
) -> None:
    images, labels = digits
    home = make_home("late")
    _name_an_id_column(home.folder / "digits.yaml")
    home.drop("1.parquet", images[:500], labels[:500], id=np.arange(500))
    home.drop("2.parquet", 255 - images[500:1000], None, id=np.arange(500, 1000))

    output = home.growlearn("run", "digits.yaml")
    assert "digits w2, 500 rows, drift, waiting for labels" in output
    (status,) = home.json("status")["streams"]
    assert (status["state"], status["awaiting_labels"], status["pending"]) == ("waiting for labels", 1, 0)
    assert "awaiting_labels (59 missing)" in home.growlearn("windows", "digits")
    queued = home.growlearn("label-queue", "digits", "--out", str(home.folder / "queue.csv"), "--rows", "7")
    assert "7 of 500 rows without a label -> " in queued
    assert len((home.folder / "queue.csv").read_text().splitlines()) == 8

    home.drop_table("3.parquet", {"id": np.arange(500, 750).astype(str), "label": labels[500:750]})
    _killed_once_the_labels_are_joined(home)
    both = [home.start("run", "digits") for _ in range(2)]
    ended = [process.communicate(timeout=200) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended

    windows = home.json("windows", "digits")["windows"]
    assert [(w["id"], w["state"], w["verdict"], w["labelled"]) for w in windows] == [
        ("w1", "promoted", "first", 500),
        ("w2", "promoted", "drift", 250),
    ]
    assert [branch["window"] for branch in home.json("lineage", "digits")["branches"]] == ["w1", "w2"]
    assert home.json("status")["streams"][0]["state"] == "idle"


def _name_an_id_column(job: Path) -> None:
    job.write_text(job.read_text().replace("  label: label\n", "  label: label\n  id_column: id\n"))


def _count_labelled(database: Path) -> int:
    with closing(sqlite3.connect(database)) as record:
        (count,) = record.execute("SELECT labelled FROM growlearn_windows WHERE number = 2").fetchone()
    return int(count)


def _killed_once_the_labels_are_joined(home: Any) -> None:
    """`kill -9` of a run at the moment at which the labels are in the record, before it ends."""
    process: subprocess.Popen[str] = home.start("run", "digits")
    while _count_labelled(home.folder / "home" / "growlearn.db") == 0:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert home.json("windows", "digits")["windows"][1]["state"] not in ("promoted", "skipped")
