"""One real data set for each modality: grown in one go, against logistic regression on the same rows.

Test rows only report. The epoch, and the regression's strength of regularisation, are chosen on one and the
same share of the training rows.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import docstrings
import fashion_mnist
import numpy as np
import numpy.typing as npt
import torch
from growing import Garden
from results import publish
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, StandardScaler

from growlearn.domain.job import GrowthSpec, ModelSpec
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.ingest.rows import Rows, object_column, row_keys, split

Matrix = npt.NDArray[np.float64]

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # C of the regression, chosen on validation rows
TEST = 0.2  # of the rows of a data set without test rows of its own


@dataclass(frozen=True)
class DataSet:
    """Rows of one modality, how they are grown, and what the regression sees of them.

    `load` gives the rows and, where the data set has test rows of its own, how many of the last those are.
    """

    name: str
    schema: Schema
    load: Callable[[Schema], tuple[Rows, int]]
    model: ModelSpec
    growth: GrowthSpec
    flat: Callable[[Rows], Matrix]
    scaler: Callable[[], Any]


def rows_of(schema: Schema, inputs: dict[str, Any], labels: npt.NDArray[Any]) -> Rows:
    """Arrays as rows."""
    return Rows(inputs, object_column([int(label) for label in labels]), None, row_keys(inputs, schema))


def fashion(schema: Schema) -> tuple[Rows, int]:
    """6,000 training and 2,000 test rows of Fashion-MNIST."""
    train, test = fashion_mnist.load("train"), fashion_mnist.load("t10k")
    images = np.concatenate([train[0][:6000], test[0][:2000]])[:, None]
    return rows_of(schema, {"image": images}, np.concatenate([train[1][:6000], test[1][:2000]])), 2000


def cancer(schema: Schema) -> tuple[Rows, int]:
    """569 tumours by 30 numbers measured of them (UCI, as bundled with scikit-learn)."""
    bunch = load_breast_cancer()
    inputs = {name: bunch.data[:, at].copy() for at, name in enumerate(schema.inputs)}
    return rows_of(schema, inputs, bunch.target), 0


def texts(schema: Schema) -> tuple[Rows, int]:
    """4,800 docstrings of four packages."""
    ids, labels = docstrings.load(1200)
    return rows_of(schema, {"words": ids}, labels), 0


def strokes(schema: Schema) -> tuple[Rows, int]:
    """1,797 handwritten digits (UCI, as bundled with scikit-learn), each row of pixels a step."""
    bunch = load_digits()
    return rows_of(schema, {"trace": bunch.images.copy()}, bunch.target), 0


def pixels(rows: Rows) -> Matrix:
    """Grey levels from 0 to 1, one pixel after the other."""
    return rows.inputs["image"].reshape(len(rows), -1) / 255.0


def numbers(rows: Rows) -> Matrix:
    """The columns side by side."""
    return np.stack(list(rows.inputs.values()), axis=1)


def bag_of_words(rows: Rows) -> Matrix:
    """log(1 + count) of each id."""
    counts = np.zeros((len(rows), docstrings.VOCABULARY + 1))
    np.add.at(counts, (np.arange(len(rows))[:, None], rows.inputs["words"]), 1.0)
    return np.log1p(counts[:, :-1])  # padding, -1, was counted in the last


def steps(rows: Rows) -> Matrix:
    """Values step after step."""
    return np.asarray(rows.inputs["trace"].reshape(len(rows), -1))


def one(name: str, **keys: Any) -> Schema:
    """A schema of one input."""
    return Schema(inputs={name: Input(**keys)})


DATA_SETS = (
    DataSet(
        "images: Fashion-MNIST, 6,000 rows",
        one("image", type=InputType.IMAGE, shape=(1, 28, 28)),
        fashion,
        ModelSpec(),
        GrowthSpec(epochs=6),
        pixels,
        MaxAbsScaler,
    ),
    DataSet(
        "numbers: breast cancer",
        Schema(inputs={f"x{at}": Input(type=InputType.NUMBER) for at in range(30)}),
        cancer,
        ModelSpec(width=32),
        GrowthSpec(epochs=30, batch_size=32, validation=0.2, patience=8),
        numbers,
        StandardScaler,
    ),
    DataSet(
        "tokens: docstrings of 4 packages",
        one("words", type=InputType.TOKENS, vocabulary=docstrings.VOCABULARY, length=docstrings.LENGTH),
        texts,
        ModelSpec(),
        GrowthSpec(epochs=6, batch_size=64),
        bag_of_words,
        FunctionTransformer,
    ),
    DataSet(
        "series: digits as 8 steps x 8 channels",
        one("trace", type=InputType.SERIES, shape=(8, 8)),
        strokes,
        ModelSpec(patch=1),
        GrowthSpec(epochs=30, batch_size=32, patience=6),
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
        outcomes = [compare(data, rows, own, seed) for seed in range(options.seeds)]
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


def compare(data: DataSet, rows: Rows, own: int, seed: int) -> Outcome:
    """Both sides on one division into training and test rows."""
    order = np.random.default_rng(seed).permutation(len(rows))
    train, test = order[: -round(len(rows) * TEST)], order[-round(len(rows) * TEST) :]
    if own:
        train, test = np.arange(len(rows) - own), np.arange(len(rows) - own, len(rows))
    told, asked = rows.take(train), rows.take(test)
    garden = Garden(data.model, GrowthSpec(**{**vars(data.growth), "seed": seed}), data.schema)
    started = time.perf_counter()
    garden.grow("all", told)
    seconds = time.perf_counter() - started
    labels = asked.labels.astype(int)
    return Outcome(
        rows=len(asked),
        majority=float(np.bincount(labels).max() / len(labels)),
        regression=float(regression(data, told, seed).score(data.flat(asked), labels)),
        grown=garden.accuracy("all", asked),
        seconds=seconds,
    )


def regression(data: DataSet, rows: Rows, seed: int) -> Pipeline:
    """The regression that does best on the validation rows that choose our epoch."""
    parts = split(rows, 0.0, data.growth.validation)
    train, validation = data.flat(parts.train), data.flat(parts.validation)
    fitted = [
        make_pipeline(data.scaler(), LogisticRegression(C=strength, max_iter=300, random_state=seed)).fit(
            train, parts.train.labels.astype(int)
        )
        for strength in STRENGTHS
    ]
    return max(fitted, key=lambda each: each.score(validation, parts.validation.labels.astype(int)))


if __name__ == "__main__":
    main()
