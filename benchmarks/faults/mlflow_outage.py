"""A real MLflow server that is away for a stream's whole life, or killed while it is told of it.

Three lives of the same stream (`story.py`): with a server that is always there; with one that is started
after the last command only; and with one that is then killed again and again as messages are delivered. In
the end all three must hold the same, created in the same order (`contents.py`).
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from contents import Contents, find_difference, read_mlflow
from results import publish
from servers import find_free_port, mlflow_server
from story import (
    CHAPTERS,
    STREAM,
    call_chapter,
    drop_file,
    fork,
    import_everything,
    make_place,
    prepare_environment,
)

_MAX_RUNS = 20


@dataclass(frozen=True)
class Life:
    """What a server holds in the end, how often it was killed, and how often `growlearn run` was called."""

    contents: Contents
    kills: int = 0
    runs: int = 0


def main() -> None:
    """Live three times, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=4, help="of the server while it is told")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    import_everything()
    with tempfile.TemporaryDirectory(prefix="mlflow-") as folder:
        there = live(Path(folder) / "there", stopped=False, kills=0, seed=0)
        lives = {
            "away during all commands": live(Path(folder) / "stopped", stopped=True, kills=0, seed=0),
            "the same, and killed while it is told": live(
                Path(folder) / "killed", stopped=True, kills=options.kills, seed=options.seed
            ),
        }
    problems = {name: find_difference(there.contents, life.contents) for name, life in lives.items()}
    rows = [
        f"| {name} | {life.kills} | {life.runs} | {'no' if problems[name] else 'yes'} |"
        for name, life in lives.items()
    ]
    counts = {name: len(there.contents[f"MLflow {name}"]) for name in ("runs", "versions", "files")}
    publish(
        "mlflow_outage",
        "An MLflow server that is away, and killed while it is told",
        [
            "| the server | kills | calls of `growlearn run` after it was back | same |",
            "| --- | --- | --- | --- |",
            *rows,
        ],
        f"Same: {counts['runs']} runs in the same order, {counts['versions']} registered versions, aliases, "
        f"metrics, parameters, tags and {counts['files']} files as on a server that was always there",
        "faults/mlflow_outage.py",
    )
    for name, problem in problems.items():
        if problem is not None:
            print(f"{name}: {problem}")
    sys.exit(any(problems.values()))


def live(folder: Path, *, stopped: bool, kills: int, seed: int) -> Life:
    """A stream's life on SQLite beside a server of its own."""
    server, place, port = folder / "server", folder / "work", find_free_port()
    server.mkdir(parents=True)
    make_place(place)
    prepare_environment(place, None)
    os.environ["GROWLEARN_MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
    backend = f"sqlite:///{server / 'mlflow.db'}"
    with ExitStack() as running:
        if not stopped:
            running.enter_context(mlflow_server(backend, server, port))
        for chapter in [replace(each, delivers=True) for each in CHAPTERS]:
            drop_file(place, chapter)
            status = fork(partial(call_chapter, chapter), place, folder / "output.txt")
            if status not in (0, 3):
                raise RuntimeError((folder / "output.txt").read_text())
    runs = 0 if not stopped else deliver(place, backend, server, port, kills, seed)
    return Life(read_mlflow(server), kills, runs)


def deliver(place: Path, backend: str, server: Path, port: int, kills: int, seed: int) -> int:
    """Start the server and call `growlearn run` until nothing waits; returns how often it was called.

    A server that is to be killed runs for some seconds, at random.
    """
    seconds, runs = random.Random(seed), 0  # noqa: S311 - no secret
    for left in range(kills, -1, -1):
        with mlflow_server(backend, server, port):
            process = _start_run(place)
            runs += 1
            if left:
                time.sleep(seconds.uniform(4, 12))
                continue
            while runs < _MAX_RUNS and "wait for MLflow" in process.communicate()[1]:
                process = _start_run(place)
                runs += 1
        process.wait()
    return runs


def _start_run(place: Path) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("growlearn")), "run", STREAM]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


if __name__ == "__main__":
    main()
