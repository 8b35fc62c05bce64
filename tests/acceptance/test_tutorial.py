"""The tutorial, run as a newcomer would: every ```bash block of it, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.command_line import call

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


def test_the_tutorial_runs_as_written_and_shows_what_it_says(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["GROWLEARN_THREADS"] = "1"
    output: list[str] = []
    for is_growlearn, text in _commands(TUTORIAL.read_text(encoding="utf-8")):
        if is_growlearn:
            done = call(tmp_path, environment, tuple(shlex.split(text)[1:]))
            assert done.code == 0, f"{text}\n{done.out}\n{done.err}"
            output += done.out.splitlines()
        else:
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text], cwd=tmp_path, env=environment, check=True
            )
            time.sleep(1.1)  # longer than source.min_file_age_s, as a process takes to start
    lines = [line for line in output if line.startswith("biopsies")]
    assert "w1, 300 rows, first (task-1), promoted" in lines[0]
    assert "w2, 100 rows, stable (task-1), nothing grown" in lines[1]
    assert "w3, 169 rows, drift (task-2), promoted" in lines[2]
    assert lines[-2:] == [
        "biopsies: verified: 2 tasks give their stored logits to the last bit on cpu",
        "biopsies: champion version 1 -> version 2",
    ]


def _commands(page: str) -> Iterator[tuple[bool, str]]:
    """Each growlearn command, to be called in this process, and the shell lines between two of them."""
    lines = "".join(re.findall(r"^```bash\n(.*?)^```", page, re.MULTILINE | re.DOTALL)).splitlines()
    for is_growlearn, group in groupby(lines, lambda line: line.startswith("growlearn ")):
        block = list(group)
        yield from [(True, line) for line in block] if is_growlearn else [(False, "\n".join(block))]
