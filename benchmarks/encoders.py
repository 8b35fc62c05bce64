"""Fashion-MNIST with a frozen pretrained encoder, few rows: the default job beside ridge on its features.

EfficientNet-Lite0, pretrained on ImageNet, reads images enlarged to 128 pixels. Each run is a stream that
gets one window, through the product. The rows of a case are drawn anew with each seed from the 60,000
training rows; the data set's own 10,000 test rows only report. Ridge regression gets the product's training
and validation rows; the validation rows choose its strength. Encoded rows are kept in --keep, so that a row
is encoded once.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fashion_mnist
import kept
import numpy as np
import torch
from branch_growth import SCHEMA, make_rows
from in_memory_stream import InMemoryStream
from pretrained import IMAGE_SIZE, save_efficientnet
from results import publish
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.ingest.rows import Rows
from growlearn.network.encoders.cache import keep_features_in
from growlearn.network.encoders.features import Encoder, find_encoder, open_encoder_of

STRENGTHS = (30.0, 100.0, 300.0, 1000.0, 3000.0)


@dataclass(frozen=True)
class Case:
    """So many rows, as they are or turned."""

    name: str
    rows: int
    change: Callable[[fashion_mnist.Array], fashion_mnist.Array]


CASES = (
    Case("4,000 rows", 4000, lambda images: images),
    Case("2,000 rows", 2000, lambda images: images),
    Case("2,000 rows, rotated", 2000, lambda images: np.rot90(images, axes=(1, 2)).copy()),
)


@dataclass(frozen=True)
class Outcome:
    """Accuracies on the test rows, seconds to encode the window's rows and to learn them once encoded."""

    grown: float
    ridge: float
    encode_s: float
    learn_s: float


def main() -> None:
    """Run every case with every seed; print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for encoded rows and finished seeds")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = [
        "| window | grown | ridge on the features | grown by seed | encode, s | learn, s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        keep_features_in(folder / "encoded")
        weights = save_efficientnet(folder)
        for case in CASES:
            outcomes = [resume(case, seed, weights) for seed in range(options.seeds)]
            table.append(line(case.name, outcomes))
            print(table[-1], flush=True)
    publish(
        "encoders",
        "A default job on the features of a frozen encoder: Fashion-MNIST",
        table,
        f"{options.seeds} seeds, {options.threads} threads, 10,000 test rows; EfficientNet-Lite0 (ImageNet), "
        f"images enlarged to {IMAGE_SIZE} pixels; 76.5 % of the rows are trained on; medians of seconds: to "
        "encode the window, and from the delivered file to the champion with the features known",
    )


def resume(case: Case, seed: int, weights: Path) -> Outcome:
    """The outcome of a case and seed, read where it is finished already."""

    def run() -> Outcome:
        outcome = measure(case, seed, weights)
        print(f"{case.name}, seed {seed}: {outcome}", flush=True)
        return outcome

    return kept.resume(weights.parent / f"encoders-{CASES.index(case)}-{seed}.json", Outcome, run)


def measure(case: Case, seed: int, weights: Path) -> Outcome:
    """One window through the product, then ridge regression on the same rows."""
    images, labels = fashion_mnist.load("train")
    chosen = np.random.default_rng(seed).permutation(len(images))[: case.rows]
    test_images, test_labels = fashion_mnist.load("t10k")
    test = make_rows(case.change(test_images), test_labels)
    encoder = EncoderConfig(source="file", weights=str(weights))
    job = Job(
        name="images", source=SourceConfig(url="memory"), schema=SCHEMA,
        model=ModelConfig(encoder=encoder), growth=GrowthConfig(seed=seed),
    )  # fmt: skip
    stream = InMemoryStream(job)
    stored = stream.job.model.encoder
    assert stored is not None
    assert stored.sha256 is not None
    open_encoder_of(stream.job.model, stream.artifacts.get)
    window, opened, started = case.change(images[chosen]), find_encoder(stored.sha256), time.perf_counter()
    opened.features(window[:, None])
    encoded = time.perf_counter()
    number = stream.learn(window, labels[chosen], None).id
    learned = time.perf_counter()
    plan = stream.store.window_record(job.name, number).plan
    assert isinstance(plan, GrowthPlan)
    parts = [
        stream.ports.models.rows(digest, plan.parent_manifest.schema)
        for digest in (plan.train, plan.validation)
    ]
    return Outcome(
        float((stream.answer(test) == test_labels).mean()),
        fit_ridge(opened, parts[0], parts[1], test),
        encoded - started,
        learned - encoded,
    )


def fit_ridge(encoder: Encoder, train: Rows, validation: Rows, test: Rows) -> float:
    """Ridge regression on standardised features, its strength chosen on validation rows."""

    def summaries(rows: Rows) -> fashion_mnist.Array:
        features = encoder.features(rows.inputs["image"])
        return features[:, -encoder.description.summary_size :].astype(np.float32)

    scaler = StandardScaler().fit(summaries(train))
    parts = [(scaler.transform(summaries(rows)), rows.labels.astype(int)) for rows in (train, validation)]
    models = [RidgeClassifier(alpha=strength).fit(*parts[0]) for strength in STRENGTHS]
    best = max(models, key=lambda model: float(model.score(*parts[1])))
    both = [np.concatenate(pair) for pair in zip(*parts, strict=True)]
    return float(best.fit(*both).score(scaler.transform(summaries(test)), test.labels.astype(int)))


def line(name: str, outcomes: list[Outcome]) -> str:
    """A row of the table."""
    grown = [outcome.grown for outcome in outcomes]
    cells = [
        name,
        f"{statistics.fmean(grown):.2%}",
        f"{statistics.fmean(outcome.ridge for outcome in outcomes):.2%}",
        ", ".join(f"{each:.2%}" for each in grown),
        f"{statistics.median(outcome.encode_s for outcome in outcomes):.0f}",
        f"{statistics.median(outcome.learn_s for outcome in outcomes):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
