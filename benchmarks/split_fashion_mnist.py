"""Split Fashion-MNIST through the product: five files dropped one by one, `growlearn run` after each.

60,000 training rows in five tasks of two classes; accuracy on the data set's own 10,000 test rows, which
nothing but the evaluation reads (the gates of the job ask for nothing that they could fail). After each
growth the branches' hashes and the answers to a fixed probe are compared with those before it. At the end
the test rows are asked once more without their task column: `growlearn predict` routes them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fashion_mnist
import numpy as np
import pyarrow.parquet as pq
from results import publish

JOB = Path(__file__).parent.parent / "jobs" / "fashion_mnist.yaml"
GROWLEARN = str(Path(sys.executable).with_name("growlearn"))
TASKS = tuple(fashion_mnist.pair(low) for low in range(0, 10, 2))
PROBE_ROWS = 200  # of each task
SURE = 0.9


@dataclass
class Run:
    """One seed in a folder of its own."""

    seed: int
    folder: Path
    seconds: list[float] = field(default_factory=list)
    matrix: dict[str, Any] = field(default_factory=dict)
    unnamed: dict[str, float] = field(default_factory=dict)
    changed_branches: int = 0
    changed_answers: int = 0

    @property
    def data(self) -> Path:
        """Where the job looks for its data."""
        return self.folder / "data" / "fashion-mnist"

    def growlearn(self, *arguments: str) -> str:
        """Run a command as a person would; its output."""
        environment = {**os.environ, "GROWLEARN_HOME": str(self.folder / ".growlearn")}
        done = subprocess.run(
            [GROWLEARN, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout


def main() -> None:
    """Run every seed; print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("fashion-mnist-run"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    runs = [Run(seed, options.folder.resolve() / f"seed-{seed}") for seed in range(options.seeds)]
    for run in runs:
        prepare(run)
        for number, task in enumerate(TASKS, 1):
            handle(run, number, task)
        run.matrix = json.loads(run.growlearn("matrix", "fashion-mnist", "--json"))
        run.unnamed = without_task(run)
        accuracy, seconds = run.matrix["average_accuracy"], sum(run.seconds)
        print(f"seed {run.seed}: {accuracy:.2%} in {seconds:.0f} s, {run.unnamed}", flush=True)
    report(runs)


def prepare(run: Run) -> None:
    """Test rows where the job wants them, training files beside the watched folder, and a probe."""
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    (run.folder / "job.yaml").write_text(f"{JOB.read_text()}growth: {{seed: {run.seed}}}\n")
    images, labels = fashion_mnist.load("t10k")
    names = [fashion_mnist.pair(label) for label in labels]
    fashion_mnist.write(run.data / "test" / "test.parquet", images, labels, names)
    for task in TASKS:
        rows = np.flatnonzero(np.array(names) == task)[:PROBE_ROWS]
        fashion_mnist.write(
            run.folder / f"probe-{task}.parquet", images[rows], labels[rows], [task] * len(rows)
        )
    images, labels = fashion_mnist.load("train")
    for task in TASKS:
        rows = np.flatnonzero(labels // 2 == int(task[0]) // 2)
        fashion_mnist.write(
            run.folder / "later" / f"{task}.parquet", images[rows], labels[rows], [task] * len(rows)
        )
    (run.data / "incoming").mkdir(parents=True)


def handle(run: Run, number: int, task: str) -> None:
    """Drop one task's file, run, and compare what was there before with what is there now."""
    before = state(run, number - 1) if number > 1 else ({}, {})
    (run.folder / "later" / f"{task}.parquet").rename(run.data / "incoming" / f"{number}.parquet")
    begun = time.perf_counter()
    run.growlearn("run", "job.yaml")
    run.seconds.append(time.perf_counter() - begun)
    after = state(run, number)
    run.changed_branches += sum(after[0][name] != value for name, value in before[0].items())
    run.changed_answers += sum(int((after[1][name] != value).sum()) for name, value in before[1].items())


def state(run: Run, tasks: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Hash of every branch, and the probabilities that answer each known task's probe."""
    branches = json.loads(run.growlearn("lineage", "fashion-mnist", "--json"))["branches"]
    answers = {}
    for task in TASKS[:tasks]:
        out = run.folder / "answers.parquet"
        run.growlearn("predict", "fashion-mnist", f"probe-{task}.parquet", "--out", str(out))
        answers[task] = pq.read_table(out).column("probability").to_numpy()
    return {branch["id"]: branch["sha256"] for branch in branches}, answers


def without_task(run: Run) -> dict[str, float]:
    """Answers to the test rows that do not say their task: shares, by the name of their row in the table."""
    test = pq.read_table(run.data / "test" / "test.parquet")
    asked, answered = run.folder / "unnamed.parquet", run.folder / "answers.parquet"
    pq.write_table(test.drop_columns(["task"]), asked)
    run.growlearn("predict", "fashion-mnist", asked.name, "--out", str(answered))
    answers = pq.read_table(answered)
    right = answers.column("prediction").to_numpy() == test.column("label").to_numpy()
    probability = answers.column("probability").to_numpy()
    sure = probability >= SURE
    return {
        "no task given: accuracy": float(right.mean()),
        "no task given: rows routed to their task": float(
            np.mean(np.array(answers.column("task").to_pylist()) == np.array(test.column("task").to_pylist()))
        ),
        "no task given: mean probability": float(probability.mean()),
        f"no task given, --min-probability {SURE}: rows answered": float(sure.mean()),
        f"no task given, --min-probability {SURE}: accuracy of those": float(right[sure].mean()),
    }


def report(runs: list[Run]) -> None:
    """A row a task, a column a seed."""
    seeds = " | ".join(f"seed {run.seed}" for run in runs)
    table = [f"| test accuracy at the end | {seeds} |", "| --- |" + " --- |" * len(runs)]
    for i, task in enumerate(TASKS):
        table.append(
            f"| {task} | " + " | ".join(f"{run.matrix['accuracy'][-1][i]:.2%}" for run in runs) + " |"
        )
    rows = {
        "average accuracy": [f"{run.matrix['average_accuracy']:.2%}" for run in runs],
        "forgetting": [str(run.matrix["forgetting"]) for run in runs],
        "earlier branches changed": [str(run.changed_branches) for run in runs],
        "earlier probe answers changed (bits)": [str(run.changed_answers) for run in runs],
        "ingest to registered versions, all five files, s": [f"{sum(run.seconds):.0f}" for run in runs],
    }
    rows |= {name: [f"{run.unnamed[name]:.2%}" for run in runs] for name in runs[0].unnamed}
    table += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    mean = statistics.fmean(run.matrix["average_accuracy"] for run in runs)
    unnamed = statistics.fmean(run.unnamed["no task given: accuracy"] for run in runs)
    publish(
        "split_fashion_mnist",
        "Split Fashion-MNIST through the product",
        table,
        f"mean of {len(runs)} seeds {mean:.2%} with task id, {unnamed:.2%} without and no row "
        f"kept; 60,000 training rows, 10,000 test rows, job file "
        f"`jobs/fashion_mnist.yaml`, probe of {PROBE_ROWS} rows a task",
    )


if __name__ == "__main__":
    main()
