"""Split Fashion-MNIST through the product: five files dropped one by one, `growlearn run` after each.

60,000 training rows in five tasks of two classes; accuracy on the data set's own 10,000 test rows, which
nothing but the evaluation reads.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fashion_mnist
import numpy as np
from hardware import hardware

HERE = Path(__file__).parent
JOB = HERE.parent / "jobs" / "fashion_mnist.yaml"
GROWLEARN = str(Path(sys.executable).with_name("growlearn"))


def main() -> None:
    """Run the job in a fresh folder and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("fashion-mnist-run"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = folder / "fashion_mnist.yaml"
    job.write_text(JOB.read_text().replace("growth: {", f"growth: {{seed: {options.seed}, "))
    data = folder / "data" / "fashion-mnist"
    images, labels = fashion_mnist.load("t10k")
    fashion_mnist.write(
        data / "test" / "test.parquet", images, labels, [fashion_mnist.pair(label) for label in labels]
    )
    images, labels = fashion_mnist.load("train")
    prepared = []
    for low in range(0, 10, 2):
        rows = np.flatnonzero(labels // 2 == low // 2)
        name = f"{low // 2 + 1}.parquet"
        fashion_mnist.write(
            folder / "later" / name, images[rows], labels[rows], [f"{low}-{low + 1}"] * len(rows)
        )
        prepared.append(name)
    (data / "incoming").mkdir(parents=True)
    started = time.perf_counter()
    seconds = []
    for name in prepared:
        (folder / "later" / name).rename(data / "incoming" / name)
        begun = time.perf_counter()
        _growlearn(folder, "run", str(job))
        seconds.append(time.perf_counter() - begun)
    total = time.perf_counter() - started
    _table(json.loads(_growlearn(folder, "matrix", "fashion-mnist", "--json")), seconds, total, options.seed)


def _growlearn(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GROWLEARN_HOME": str(folder / ".growlearn")}
    done = subprocess.run(
        [GROWLEARN, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _table(matrix: dict[str, object], seconds: list[float], total: float, seed: int) -> None:
    tasks, accuracy = matrix["tasks"], matrix["accuracy"]
    assert isinstance(tasks, list)
    assert isinstance(accuracy, list)
    print("| task | accuracy when grown | accuracy at the end | window to registered version, s |")
    print("| --- | --- | --- | --- |")
    for i, task in enumerate(tasks):
        print(f"| {task} | {accuracy[i][i]:.2%} | {accuracy[-1][i]:.2%} | {seconds[i]:.1f} |")
    print(
        f"\nseed {seed}: average accuracy {matrix['average_accuracy']:.2%}, "
        f"forgetting {matrix['forgetting']}, {total:.0f} s in all; {hardware()}"
    )


if __name__ == "__main__":
    main()
