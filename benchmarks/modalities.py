"""One real data set for each modality: grown in one go, against logistic regression on the same rows.

Test rows only report. The epoch, and the regression's strength of regularisation, are chosen on one and the
same share of the training rows.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import docstrings
import fashion_mnist
import numpy as np
import numpy.typing as npt
import torch
from branch_growth import GrowingModel
from results import publish
from scipy.sparse import csr_matrix
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, StandardScaler

from growlearn.domain.job import GrowthConfig, ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column, split_rows

Matrix = npt.NDArray[np.float64]

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # C of the regression, chosen on validation rows
TEST = 0.2  # of the rows of a data set without test rows of its own


@dataclass(frozen=True)
class DataSet:
    """Rows of one modality, how they are grown, and what the regression sees of them.

    `load` gives the rows and, where the data set has test rows of its own, how many of the last those are.
    """

    name: str
    schema: Schema
    load: Callable[[Schema], tuple[Rows, int]]
    model: ModelConfig
    growth: GrowthConfig
    flat: Callable[[Rows], Any]
    scaler: Callable[[], Any]


def make_rows(schema: Schema, inputs: dict[str, Any], labels: npt.NDArray[Any]) -> Rows:
    """Arrays as rows."""
    return Rows(inputs, object_column([int(label) for label in labels]), None, hash_rows(inputs, schema))


def fashion(schema: Schema) -> tuple[Rows, int]:
    """4,000 training and 2,000 test rows of Fashion-MNIST."""
    train, test = fashion_mnist.load("train"), fashion_mnist.load("t10k")
    images = np.concatenate([train[0][:4000], test[0][:2000]])[:, None]
    return make_rows(schema, {"image": images}, np.concatenate([train[1][:4000], test[1][:2000]])), 2000


def cancer(schema: Schema) -> tuple[Rows, int]:
    """569 tumours by 30 numbers measured of them (UCI, as bundled with scikit-learn)."""
    bunch = load_breast_cancer()
    inputs = {name: bunch.data[:, at].copy() for at, name in enumerate(schema.inputs)}
    return make_rows(schema, inputs, bunch.target), 0


def texts(schema: Schema) -> tuple[Rows, int]:
    """4,800 docstrings of four packages."""
    ids, labels = docstrings.load(1200)
    return make_rows(schema, {"words": ids}, labels), 0


def strokes(schema: Schema) -> tuple[Rows, int]:
    """1,797 handwritten digits (UCI, as bundled with scikit-learn), each row of pixels a step."""
    bunch = load_digits()
    return make_rows(schema, {"trace": bunch.images.copy()}, bunch.target), 0


def pixels(rows: Rows) -> Matrix:
    """Grey levels from 0 to 1, one pixel after the other."""
    return rows.inputs["image"].reshape(len(rows), -1) / 255.0


def numbers(rows: Rows) -> Matrix:
    """The columns side by side."""
    return np.stack(list(rows.inputs.values()), axis=1)


def bag_of_words(rows: Rows) -> csr_matrix:
    """log(1 + count) of each id."""
    row, place = np.nonzero(rows.inputs["words"] >= 0)
    cells = (np.ones(len(row)), (row, rows.inputs["words"][row, place]))
    counts = csr_matrix(cells, shape=(len(rows), docstrings.VOCABULARY))
    counts.sum_duplicates()
    return counts.log1p()


def steps(rows: Rows) -> Matrix:
    """Values step after step."""
    return np.asarray(rows.inputs["trace"].reshape(len(rows), -1))


def one(name: str, **keys: Any) -> Schema:
    """A schema of one input."""
    return Schema(inputs={name: InputColumn(**keys)})


DATA_SETS = (
    DataSet(
        "images: Fashion-MNIST, 4,000 rows",
        one("image", type=InputType.IMAGE, shape=(1, 28, 28)),
        fashion,
        ModelConfig(),
        GrowthConfig(epochs=15, batch_size=64),
        pixels,
        MaxAbsScaler,
    ),
    DataSet(
        "numbers: breast cancer",
        Schema(inputs={f"x{at}": InputColumn(type=InputType.NUMBER) for at in range(30)}),
        cancer,
        ModelConfig(embed_dim=32),
        GrowthConfig(epochs=20, batch_size=32, validation_fraction=0.2, patience=6),
        numbers,
        StandardScaler,
    ),
    DataSet(
        "tokens: docstrings of 4 packages",
        one("words", type=InputType.TOKENS, vocabulary=docstrings.VOCABULARY, length=docstrings.LENGTH),
        texts,
        ModelConfig(),
        GrowthConfig(epochs=3, batch_size=64),
        bag_of_words,
        FunctionTransformer,
    ),
    DataSet(
        "series: digits as 8 steps x 8 channels",
        one("trace", type=InputType.SERIES, shape=(8, 8)),
        strokes,
        ModelConfig(patch_size=1),
        GrowthConfig(epochs=15, batch_size=32, validation_fraction=0.2),
        steps,
        StandardScaler,
    ),
)


def main() -> None:
    """Grow and fit on every data set with every seed; print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    heads = (
        "data set",
        "test rows",
        "majority",
        "regression",
        "grown",
        "regression by seed",
        "grown by seed",
    )
    table = [f"| {' | '.join(heads)} | median s |", "| --- " * (len(heads) + 1) + "|"]
    for data in DATA_SETS:
        rows, own = data.load(data.schema)
        outcomes = compare(data, rows, own, options.seeds)
        table.append(line(data.name, outcomes))
        print(table[-1], flush=True)
    publish(
        "modalities",
        "One real data set for each modality",
        table,
        f"{options.seeds} seeds, {options.threads} threads; accuracy on test rows: the data set's own for "
        f"images, another random {TEST:.0%} with each seed elsewhere; majority: always the commonest class; "
        "seconds from plan to stored branch, router included",
    )


@dataclass(frozen=True)
class Outcome:
    """Accuracies on the test rows of one seed, and how long growing took."""

    rows: int
    majority: float
    regression: float
    grown: float
    seconds: float


def line(name: str, outcomes: list[Outcome]) -> str:
    """A row of the table."""
    mean = {
        key: statistics.fmean(getattr(each, key) for each in outcomes)
        for key in ("majority", "regression", "grown")
    }
    by_seed = [", ".join(f"{getattr(each, key):.1%}" for each in outcomes) for key in ("regression", "grown")]
    seconds = statistics.median(each.seconds for each in outcomes)
    cells = [name, f"{outcomes[0].rows:,}", *(f"{share:.1%}" for share in mean.values()), *by_seed]
    return f"| {' | '.join(cells)} | {seconds:.0f} |"


def compare(data: DataSet, rows: Rows, own: int, seeds: int) -> list[Outcome]:
    """Both sides with each seed, which also divides rows that are not divided already."""
    outcomes: list[Outcome] = []
    for seed in range(seeds):
        training, test = divided(rows, own, seed)
        labels = test.labels.astype(int)
        if own and outcomes:
            fitted = outcomes[0].regression  # the same rows, and nothing random in it
        else:
            fitted = float(regression(data, training).score(data.flat(test), labels))
        model = GrowingModel(data.model, replace(data.growth, seed=seed), data.schema)
        started = time.perf_counter()
        model.grow("all", training)
        seconds = time.perf_counter() - started
        majority = float(np.bincount(labels).max() / len(labels))
        outcomes.append(Outcome(len(test), majority, fitted, model.accuracy("all", test), seconds))
        print(f"{data.name}, seed {seed}: {outcomes[-1]}", flush=True)
    return outcomes


def divided(rows: Rows, own: int, seed: int) -> tuple[Rows, Rows]:
    """Training and test rows: the last `own`, or a random share."""
    count = own or round(len(rows) * TEST)
    order = np.arange(len(rows)) if own else np.random.default_rng(seed).permutation(len(rows))
    return rows.take(order[:-count]), rows.take(order[-count:])


def regression(data: DataSet, rows: Rows) -> Pipeline:
    """The regression that does best on the validation rows that choose our epoch."""
    parts = split_rows(rows, 0.0, data.growth.validation_fraction)
    train, validation = data.flat(parts.train), data.flat(parts.validation)
    fitted = [
        make_pipeline(data.scaler(), LogisticRegression(C=strength, max_iter=500)).fit(
            train, parts.train.labels.astype(int)
        )
        for strength in STRENGTHS
    ]
    return max(fitted, key=lambda each: each.score(validation, parts.validation.labels.astype(int)))


if __name__ == "__main__":
    main()
