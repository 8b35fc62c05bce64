"""A default job on images, by the number of rows: Fashion-MNIST, beside logistic regression and LightGBM.

Each run is a stream that gets one window, through the product: hold-out, augmentation chosen, training,
evaluation, promotion, router. The rows of a size are drawn anew with each seed from the 60,000 training rows.
The data set's own 10,000 test rows only report. The other sides get the product's training and validation
rows; the validation rows choose the regression's strength and LightGBM's number of trees. The hold-out is
read by none. Outcomes are kept in --folder, so that a full run may be made in parts: --only runs one size and
seed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import fashion_mnist
import kept
import lightgbm
import numpy as np
import torch
from branch_growth import SCHEMA, make_rows
from in_memory_stream import InMemoryStream
from results import publish
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from growlearn.domain.growth import GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.ingest.rows import Rows

SIZES = (4_000, 10_000, 60_000)
STRENGTHS = (0.003, 0.01, 0.03, 0.1)  # C, chosen on validation rows
MAX_REGRESSION_ROWS = 10_000  # more rows take it many minutes and do little for a linear model
MAX_TREES, STOPPING_ROUNDS = 400, 30


@dataclass(frozen=True)
class Outcome:
    """Accuracies on the test rows of one size and seed, and what the product chose and took."""

    grown: float
    regression: float
    boosted: float
    epochs: int
    augmentation: str
    seconds: float
    cpu_seconds: float


def main() -> None:
    """Run every size with every seed; print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keeps the outcome of each size and seed")
    parser.add_argument(
        "--only", type=int, nargs=2, metavar=("SIZE", "SEED"), help="run these, publish nothing"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.only:
        size, seed = options.only
        run_once(size, seed, options.threads, options.folder)
        return
    heads = ("rows", "grown", "regression", "LightGBM", "grown by seed", "epochs", "augmentation")
    table = [f"| {' | '.join(heads)} | median s | CPU s |", "| --- " * (len(heads) + 2) + "|"]
    for size in options.sizes:
        outcomes = [run_once(size, seed, options.threads, options.folder) for seed in range(options.seeds)]
        table.append(line(size, outcomes))
        print(table[-1], flush=True)
    arguments = "" if tuple(options.sizes) == SIZES else f" --sizes {' '.join(map(str, options.sizes))}"
    publish(
        "image_sizes",
        "A default job on Fashion-MNIST, by the number of rows",
        table,
        f"{options.seeds} seeds, {options.threads} threads; accuracy on the 10,000 test rows; of the rows "
        "15 % are held out and 10 % of the others choose the epoch: 76.5 % are trained on; regression on "
        f"at most {MAX_REGRESSION_ROWS:,} rows; LightGBM {lightgbm.__version__}, at most {MAX_TREES} trees; "
        "seconds of the product alone, from the delivered file to the champion",
        f"image_sizes.py{arguments}",
    )


def line(size: int, outcomes: list[Outcome]) -> str:
    """A row of the table."""
    means = [
        f"{statistics.fmean(getattr(outcome, side) for outcome in outcomes):.2%}"
        for side in ("grown", "regression", "boosted")
    ]
    cells = [
        f"{size:,}",
        *means,
        ", ".join(f"{outcome.grown:.2%}" for outcome in outcomes),
        ", ".join(dict.fromkeys(str(outcome.epochs) for outcome in outcomes)),
        ", ".join(dict.fromkeys(outcome.augmentation for outcome in outcomes)),
        f"{statistics.median(outcome.seconds for outcome in outcomes):.0f}",
        f"{statistics.median(outcome.cpu_seconds for outcome in outcomes):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def run_once(size: int, seed: int, threads: int, folder: Path | None) -> Outcome:
    """The kept outcome of a size and seed, or a new one."""
    if folder is None:
        return run(size, seed, threads)
    return kept.resume(folder / f"{size}-{seed}.json", Outcome, lambda: run(size, seed, threads))


def run(size: int, seed: int, threads: int) -> Outcome:
    """One window through the product, then the other sides on the same rows."""
    images, labels = fashion_mnist.load("train")
    chosen = np.random.default_rng(seed).permutation(len(images))[:size]
    test = make_rows(*fashion_mnist.load("t10k"))
    job = Job(name="images", source=SourceConfig(url="memory"), schema=SCHEMA)
    stream = InMemoryStream(replace(job, growth=GrowthConfig(seed=seed)))
    started, cpu_started = time.perf_counter(), time.process_time()
    window = stream.learn(images[chosen], labels[chosen], None)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    record = stream.store.window_record(job.name, window.id)
    plan, result = record.plan, record.result
    assert isinstance(plan, GrowthPlan)
    assert result is not None
    grown = float((stream.answer(test) == test.labels.astype(int)).mean())
    print(
        f"{size} rows, seed {seed}: grown {grown:.2%}, {seconds:.0f} s, CPU {cpu_seconds:.0f} s", flush=True
    )
    train, validation = (
        stream.ports.models.rows(digest, plan.parent_manifest.schema)
        for digest in (plan.train, plan.validation)
    )
    outcome = Outcome(
        grown,
        fit_regression(train, validation, test),
        fit_boosting(train, validation, test, seed, threads),
        len(result.epochs),
        " + ".join(plan.growth.augmentation) or "none",
        seconds,
        cpu_seconds,
    )
    print(f"{size} rows, seed {seed}: {outcome}", flush=True)
    return outcome


def flatten(rows: Rows) -> tuple[fashion_mnist.Array, fashion_mnist.Array]:
    """Pixels uint8 [N, 784] and labels [N]."""
    return rows.inputs["image"].reshape(len(rows), -1), rows.labels.astype(np.int64)


def fit_regression(train: Rows, validation: Rows, test: Rows) -> float:
    """Test accuracy of the logistic regression that does best on the validation rows."""
    pixels, labels = flatten(train.sample(MAX_REGRESSION_ROWS))
    fitted = [
        make_pipeline(MaxAbsScaler(), LogisticRegression(C=strength, max_iter=300)).fit(pixels / 255, labels)
        for strength in STRENGTHS
    ]
    pixels, labels = flatten(validation)
    best = max(fitted, key=lambda model: model.score(pixels / 255, labels))
    pixels, labels = flatten(test)
    return float(best.score(pixels / 255, labels))


def fit_boosting(train: Rows, validation: Rows, test: Rows, seed: int, threads: int) -> float:
    """Test accuracy of LightGBM with the number of trees that does best on the validation rows."""
    model = lightgbm.LGBMClassifier(
        n_estimators=MAX_TREES,
        learning_rate=0.1,
        num_leaves=31,
        colsample_bytree=0.3,
        random_state=seed,
        n_jobs=threads,
        verbose=-1,
    )
    model.fit(
        *flatten(train),
        eval_set=[flatten(validation)],
        callbacks=[lightgbm.early_stopping(STOPPING_ROUNDS, verbose=False)],
    )
    pixels, labels = flatten(test)
    return float((np.asarray(model.predict(pixels)) == labels).mean())


if __name__ == "__main__":
    main()
