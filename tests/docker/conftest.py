"""The checkers that come as packages: a test names the one it needs, and runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"

Check = Callable[..., str]


@pytest.fixture(scope="session")
def check(need: Callable[[str, bool], None]) -> Check:
    """`check("hadolint", FILE)`: what the checker of this environment says; fails where it objects."""

    def run(program: str, *arguments: str | Path) -> str:
        path = Path(sys.executable).parent / program
        need(f"{program}: make install", path.exists())
        command = [str(path), *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
