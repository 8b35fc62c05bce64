"""Branch-parallel training equals training in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("train_in_two_processes.py")


def test_two_processes_train_like_one(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # for `benchmarks`
    command = [sys.executable, str(PROGRAM), str(tmp_path / "out")]
    subprocess.run(command, check=True, env=environment, timeout=60)
    for rank in range(2):
        differences = json.loads((tmp_path / f"out.{rank}").read_text())
        assert max(differences.values()) < 1e-5, (rank, differences)
