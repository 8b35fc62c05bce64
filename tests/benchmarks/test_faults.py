"""A sample of what `benchmarks/faults` does at every point: real kills, and disks that say they are full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("program", "every"), [("kill_matrix.py", 10), ("disk_full.py", 25)])
def test_what_meets_a_fault_in_a_first_window_is_taken_up_as_if_there_had_been_none(
    program: str, every: int
) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "benchmarks" / "faults" / program), "--databases", "sqlite"]
    command += ["--until", "first window", "--every", str(every)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    met = int(done.stdout.split()[0])
    assert (met >= 8, done.stdout.endswith(", 0 problems\n")) == (True, True), done.stdout
