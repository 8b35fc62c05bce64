"""A sample of what `benchmarks/faults` does at every point: real kills, and disks that say they are full."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.warm_processes import start_process

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("program", "every"), [("kill_matrix.py", 10), ("disk_full.py", 25)])
def test_what_meets_a_fault_in_a_first_window_is_taken_up_as_if_there_had_been_none(
    program: str, every: int
) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [str(ROOT / "benchmarks" / "faults" / program), "--databases", "sqlite"]
    command += ["--until", "first window", "--every", str(every)]
    pipe = subprocess.PIPE
    with start_process(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert (int(out.split()[0]) >= 8, out.endswith(", 0 problems\n")) == (True, True), out
