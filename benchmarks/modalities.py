"""One real data set for each modality: grown in one go, against tuned baselines on the same rows.

GrowLearn trains with the settings that `growlearn init` writes for so many rows. The baselines are logistic
regression and LightGBM, fitted to the rows that train the network and tuned on those that choose its epoch.
Test rows only report.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import kept
import lightgbm
import numpy as np
import numpy.typing as npt
import torch
from branch_growth import GrowingModel
from modality_data import DATA_SETS, DataSet, Matrix
from results import publish
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline

from growlearn.app.job_template import choose_growth, choose_patch_size
from growlearn.domain.model_config import ModelConfig
from growlearn.ingest.rows import Rows, split_rows
from growlearn.network.head_output import to_probabilities
from growlearn.network.router.routed_inference import predict_task

Predict = Callable[[Rows], Matrix]
"""N rows -> probabilities [N, C]."""

METHODS = ("logistic regression", "LightGBM", "GrowLearn")
METRICS = ("accuracy", "ROC AUC", "log loss")
LEAVES, LEAF_ROWS = (7, 31), (5, 20)  # of LightGBM: num_leaves and min_child_samples
MAX_TREES, EARLY_STOPPING = 1000, 50
TEST_FRACTION = 0.2  # of the rows of a data set without test rows of its own


# Measurement ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """One seed: METRICS of each method, means over its splits, and the seconds to plan, train and store."""

    test_rows: int
    majority: float
    scores: dict[str, list[float]]
    seconds: float


def main() -> None:
    """Grow and fit on every data set with every seed; print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=DATA_SETS, nargs="*", help="measure these, publish nothing")
    parser.add_argument("--keep", type=Path, help="a folder for finished seeds, which the next run takes up")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        outcomes = {
            key: [resume(key, seed, folder, options.threads) for seed in range(options.seeds)]
            for key in options.only or DATA_SETS
        }
    if options.only:
        return
    publish(
        "modalities",
        "One real data set for each modality",
        [*accuracy_table(outcomes), "", *probability_table(outcomes)],
        f"{options.seeds} seeds, {options.threads} threads; test rows: the data set's own for images, else "
        f"other random {TEST_FRACTION:.0%} with each seed (breast cancer: the mean over 5 such splits, image "
        "segments and digits over 2); majority: always the commonest class; lead: over the better baseline; "
        "ROC AUC: mean of one class against the rest; GrowLearn with the settings of growlearn init; "
        f"LightGBM {lightgbm.__version__} with early stopping; seconds from plan to stored branch, router "
        "included",
    )


def resume(key: str, seed: int, folder: Path, threads: int) -> Outcome:
    """The outcome of a seed, read where it is finished already."""

    def run() -> Outcome:
        outcome = measure(DATA_SETS[key], seed, threads)
        print(f"{key}, seed {seed}: {outcome}", flush=True)
        return outcome

    return kept.resume(folder / f"modalities-{key}-{seed}.json", Outcome, run)


def measure(data: DataSet, seed: int, threads: int) -> Outcome:
    """All methods on every split of a seed."""
    rows, own_test_rows = data.load(data.schema)
    parts: list[dict[str, list[float]]] = []
    majority, seconds = [], []
    for split in range(data.splits):
        training, test = split_test(rows, own_test_rows, seed * data.splits + split)
        labels = test.labels.astype(int)
        majority.append(float(np.bincount(labels).max() / len(labels)))
        fraction = choose_growth(len(training)).validation_fraction
        train = split_rows(training, 0.0, fraction)
        started = time.perf_counter()
        grown = grow(data, training, seed)
        seconds.append(time.perf_counter() - started)
        regression = fit_regression(data, train.train, train.validation)
        trees = fit_trees(data, train.train, train.validation, seed, threads)
        answers = (regression(test), trees(test), grown(test))
        parts.append(dict(zip(METHODS, (score(labels, each) for each in answers), strict=True)))
    means = {method: np.mean([part[method] for part in parts], axis=0).tolist() for method in METHODS}
    return Outcome(len(test), statistics.fmean(majority), means, statistics.fmean(seconds))


def split_test(rows: Rows, own_test_rows: int, seed: int) -> tuple[Rows, Rows]:
    """Training and test rows: the last `own_test_rows`, or a random fraction."""
    count = own_test_rows or round(len(rows) * TEST_FRACTION)
    order = np.arange(len(rows)) if own_test_rows else np.random.default_rng(seed).permutation(len(rows))
    return rows.take(order[:-count]), rows.take(order[-count:])


def score(labels: npt.NDArray[Any], probabilities: Matrix) -> list[float]:
    """Accuracy, ROC AUC and log loss of probabilities [N, C]."""
    scores = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
    return [
        float(accuracy_score(labels, probabilities.argmax(1))),
        float(roc_auc_score(labels, scores, multi_class="ovr")),
        float(log_loss(labels, probabilities)),
    ]


def grow(data: DataSet, rows: Rows, seed: int) -> Predict:
    """The first branch of a stream, with the settings that growlearn init writes for so many rows.

    Its probabilities are calibrated, as the product's are.
    """
    patch_size = choose_patch_size(data.schema.inputs)
    config = ModelConfig() if patch_size is None else ModelConfig(patch_size=patch_size)
    model = GrowingModel(config, replace(choose_growth(len(rows)), seed=seed), data.schema)
    model.grow("all", rows)
    network = model.load(model.manifest)

    def predict(test: Rows) -> Matrix:
        logits, _ = predict_task(network, model.manifest.task("all"), test)
        probabilities = to_probabilities(logits).astype(np.float64)
        return np.asarray(probabilities / probabilities.sum(1, keepdims=True))

    return predict


def fit_regression(data: DataSet, train: Rows, validation: Rows) -> Predict:
    """Logistic regression with the strength of regularisation that has the lowest validation loss."""
    features, labels = data.features(train), train.labels.astype(int)
    expected = validation.labels.astype(int)
    fitted = [
        make_pipeline(data.scaler(), LogisticRegression(C=strength, max_iter=1000)).fit(features, labels)
        for strength in data.strengths
    ]
    best = min(fitted, key=lambda one: log_loss(expected, one.predict_proba(data.features(validation))))
    return lambda test: np.asarray(best.predict_proba(data.features(test)))


def fit_trees(data: DataSet, train: Rows, validation: Rows, seed: int, threads: int) -> Predict:
    """LightGBM with early stopping and the size of trees that have the lowest validation loss."""
    features = data.tree_features or data.features
    known = (features(validation), validation.labels.astype(int))
    fitted = [
        lightgbm.LGBMClassifier(
            n_estimators=MAX_TREES,
            learning_rate=0.05,
            num_leaves=leaves,
            min_child_samples=leaf_rows,
            colsample_bytree=0.5,
            subsample=0.8,
            subsample_freq=1,
            random_state=seed,
            n_jobs=threads,
            verbose=-1,
        ).fit(
            features(train),
            train.labels.astype(int),
            eval_X=known[0],
            eval_y=known[1],
            callbacks=[lightgbm.early_stopping(EARLY_STOPPING, verbose=False)],
        )
        for leaves, leaf_rows in product(LEAVES, LEAF_ROWS)
    ]
    best = min(fitted, key=lambda one: log_loss(known[1], one.predict_proba(known[0])))
    return lambda test: np.asarray(best.predict_proba(features(test)))


# Tables --------------------------------------------------------------------------------------------


def accuracy_table(outcomes: dict[str, list[Outcome]]) -> list[str]:
    """Accuracy of every method, and GrowLearn's lead over the better baseline in points."""
    heads = ("data set", "test rows", "majority", *METHODS, "lead", "GrowLearn by seed", "median s")
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    leads = []
    for key, runs in outcomes.items():
        means = [mean_score(runs, method, 0) for method in METHODS]
        leads.append(100 * (means[2] - max(means[:2])))
        cells = [
            DATA_SETS[key].name,
            f"{runs[0].test_rows:,}",
            f"{statistics.fmean(run.majority for run in runs):.1%}",
            *(f"{mean:.1%}" for mean in means),
            f"{leads[-1]:+.1f}",
            ", ".join(f"{run.scores[METHODS[2]][0]:.1%}" for run in runs),
            f"{statistics.median(run.seconds for run in runs):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    blank = " | ".join([""] * 5)
    return [*lines, f"| mean | {blank} | {statistics.fmean(leads):+.1f} | | |"]


def probability_table(outcomes: dict[str, list[Outcome]]) -> list[str]:
    """ROC AUC and log loss of every method."""
    heads = ("data set", *(f"{metric}, {method}" for metric in METRICS[1:] for method in METHODS))
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for key, runs in outcomes.items():
        cells = [f"{mean_score(runs, method, index):.3f}" for index in (1, 2) for method in METHODS]
        lines.append(f"| {DATA_SETS[key].name} | {' | '.join(cells)} |")
    return lines


def mean_score(outcomes: list[Outcome], method: str, index: int) -> float:
    """The mean over seeds of one of METRICS."""
    return statistics.fmean(outcome.scores[method][index] for outcome in outcomes)


if __name__ == "__main__":
    main()
