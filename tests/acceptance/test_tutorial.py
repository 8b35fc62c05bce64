"""The tutorial, run as a newcomer would: every ```bash block of it, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


def test_the_tutorial_runs_as_it_stands_and_shows_what_it_says(tmp_path: Path) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    script = "\n".join(re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment | {"GROWLEARN_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("biopsies")]
    assert "w1, 300 rows, first (task-1), promoted" in said[0]
    assert "w2, 100 rows, stable (task-1), nothing grown" in said[1]
    assert "w3, 169 rows, drift (task-2), promoted" in said[2]
    assert said[-2:] == [
        "biopsies: champion version 1 -> version 2",
        "biopsies: proven: 2 tasks answer their probes to the last bit",
    ]
