"""Two processes train and answer as one does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from growlearn.domain.errors import GrowLearnError
from growlearn.growth.model.execution import PLANS
from growlearn.growth.model.network import GrowingNetwork

from .conftest import MODEL


def test_two_processes_train_and_answer_as_one_does(tmp_path: Path) -> None:
    program = Path(__file__).with_name("spread_over_two.py")
    subprocess.run([sys.executable, str(program), str(tmp_path / "out")], check=True, timeout=60)
    for rank in range(2):
        differences = json.loads((tmp_path / f"out.{rank}").read_text())
        assert max(differences.values()) < 1e-5, (rank, differences)


def test_outside_a_group_the_workers_plan_says_how_to_make_one() -> None:
    network = GrowingNetwork(MODEL)
    with pytest.raises(GrowLearnError, match="torchrun"):
        PLANS["workers"](network._parts())
