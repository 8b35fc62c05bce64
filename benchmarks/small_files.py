"""Six hundred files of one row in one folder: `growlearn run`, whole, and the same without its start.

Once each file is a window of its own, once a window is of two hundred rows. The rows are flights of two
classes in turn; training is one epoch.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from results import publish

WINDOWINGS = {"a file": "", "200 rows": "windowing: {rows: 200}\n"}


def main() -> None:
    """Both ways; publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=600)
    parser.add_argument("--no-table", action="store_true", help="print only")
    options = parser.parse_args()
    lines = ["| a window is of | seconds | CPU seconds | a file, CPU ms |", "| --- | --- | --- | --- |"]
    for windowing, key in WINDOWINGS.items():
        with tempfile.TemporaryDirectory() as folder:
            write_stream(Path(folder), options.files, key)
            wall_s, cpu_s = run(Path(folder))
        lines.append(f"| {windowing} | {wall_s:.1f} | {cpu_s:.1f} | {1e3 * cpu_s / options.files:.0f} |")
        print(lines[-1], flush=True)
    if not options.no_table:
        publish(
            "small_files",
            f"{options.files} files of one row",
            lines,
            "`growlearn run` on SQLite, MLflow's file included; one epoch of training where there is one",
        )


def write_stream(folder: Path, num_files: int, windowing: str) -> None:
    """A job, and so many files of a row."""
    (folder / "incoming").mkdir()
    rng = np.random.default_rng(0)
    for number in range(num_files):
        x, label = rng.normal(number % 2, 1, 4), "late" if number % 2 else "on time"
        row = ",".join(f"{value:.4f}" for value in x)
        (folder / "incoming" / f"{number:05}.csv").write_text(f"a,b,c,d,label\n{row},{label}\n")
    (folder / "job.yaml").write_text(
        "name: small\n"
        "source: {type: folder, url: incoming, min_file_age_s: 0}\n"
        "schema:\n"
        "  inputs: {a: {type: number}, b: {type: number}, c: {type: number}, d: {type: number}}\n"
        "  label: label\n"
        "growth: {epochs: 1}\n" + windowing
    )


def run(folder: Path) -> tuple[float, float]:
    """Seconds of `growlearn run` by the clock, and of CPU with its children."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("GROWLEARN_")}
    environment = others | {"GROWLEARN_HOME": str(folder / "home"), "GROWLEARN_THREADS": "1"}
    program = [sys.executable, "-c", "from growlearn.app.main import main; main()", "run", "job.yaml"]
    started = time.perf_counter()
    child = subprocess.Popen(program, cwd=folder, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise SystemExit(f"growlearn run: exit code {child.returncode}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
