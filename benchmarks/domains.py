"""Five domains of Fashion-MNIST, each with rows of its own: grown one after another against trained alone.

As is, rotated by 90 degrees, inverted, with Gaussian noise, with permuted pixels; ten classes each. A model
alone has the size, rows and budget of one growth. --choose compares learning rates for each side on
validation rows of the first seed; the data set's own test rows only report.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import fashion_mnist
import kept
import numpy as np
import torch
from branch_growth import GrowingModel, make_rows
from candidate_table import candidate_table
from results import publish

from growlearn.domain.growth import GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.model_selection import ModelSelection
from growlearn.ingest.rows import Rows, concat_rows
from growlearn.serving.predictor import Predictor

RATE = 4e-3
_NOISE = 0.3  # of the range of a pixel
_PERMUTED = np.random.default_rng(0).permutation(28 * 28)


def noisy(images: fashion_mnist.Array) -> fashion_mnist.Array:
    """Gaussian noise on every pixel, cut to the range; windows of equal size get the same draws."""
    noise = np.random.default_rng(len(images)).normal(0, 255 * _NOISE, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


DOMAINS: dict[str, Callable[[fashion_mnist.Array], fashion_mnist.Array]] = {
    "as is": lambda images: images,
    "rotated": lambda images: np.rot90(images, axes=(1, 2)),
    "inverted": lambda images: 255 - images,
    "noise": noisy,
    "permuted": lambda images: images.reshape(len(images), -1)[:, _PERMUTED].reshape(images.shape),
}


@dataclass(frozen=True)
class Outcome:
    """Test accuracy of each domain, its mean on validation rows, and of rows that do not name theirs."""

    test: tuple[float, ...]
    validation: float
    unnamed: float = 0.0
    routed: float = 0.0
    selections: tuple[tuple[str, ModelSelection], ...] = ()


def main() -> None:
    """Run every seed, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="compare learning rates by validation rows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for finished sides, which the next run takes up")
    parser.add_argument("--only", type=int, metavar="SEED", help="run this seed, publish nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.choose:
        choose(options.rows, options.epochs)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        seeds = range(options.seeds) if options.only is None else (options.only,)
        outcomes = [run_seed(seed, options.rows, options.epochs, folder) for seed in seeds]
    if options.only is not None:
        return
    alone, grown = zip(*outcomes, strict=True)
    publish(
        "domains",
        "Five domains of Fashion-MNIST, 10 classes: grown one after another against trained alone",
        [
            *table(alone, grown),
            "",
            "Branches of each growth, on its validation rows:",
            "",
            *candidate_table([growth for run in grown for growth in run.selections]),
        ],
        f"{options.rows} rows a domain, no row in two of them, {options.epochs} epochs, "
        f"{options.seeds} seeds, {options.threads} threads, 10,000 test rows a domain; learning rate {RATE} "
        "for both, the better for each on validation rows (`--choose`); growth.init auto",
    )


def run_seed(seed: int, rows: int, epochs: int, folder: Path) -> tuple[Outcome, Outcome]:
    """Both sides, alone and grown, on the same rows; `folder` keeps each that is finished."""
    growth = GrowthConfig(epochs=epochs, learning_rate=RATE, seed=seed)

    def run(train: Callable[[dict[str, Rows], GrowthConfig], Outcome]) -> Outcome:
        path = folder / f"domains-{rows}-{epochs}-{seed}-{train.__name__}.json"
        outcome = kept.resume(path, Outcome, lambda: train(windows(rows), growth))
        print(seed, train.__name__, outcome.test, outcome.unnamed, flush=True)
        return outcome

    return run(train_alone), run(train_grown)


def choose(rows: int, epochs: int) -> None:
    """Print what each learning rate makes of validation rows, for both sides."""
    for rate in (RATE / 2, RATE, RATE * 2):
        growth = GrowthConfig(epochs=epochs, learning_rate=rate)
        for side in (train_alone, train_grown):
            print(side.__name__, rate, f"{side(windows(rows), growth).validation:.2%}", flush=True)


def windows(rows: int) -> dict[str, Rows]:
    """Training rows of each domain, no image in two of them."""
    images, labels = fashion_mnist.load("train")
    cuts = {name: slice(at * rows, (at + 1) * rows) for at, name in enumerate(DOMAINS)}
    return {name: make_rows(DOMAINS[name](images[cut]), labels[cut]) for name, cut in cuts.items()}


def train_alone(domains: dict[str, Rows], growth: GrowthConfig) -> Outcome:
    """A model of its own for each domain."""
    test, validation = [], []
    for name, rows in domains.items():
        model = GrowingModel(ModelConfig(), growth)
        model.route = False
        validation.append(best_accuracy(model.grow(name, rows)))
        test.append(model.accuracy(name, tested(name)))
    return Outcome(tuple(test), statistics.fmean(validation))


def train_grown(domains: dict[str, Rows], growth: GrowthConfig) -> Outcome:
    """One model that grows by each domain in turn."""
    model = GrowingModel(ModelConfig(), growth)
    validation = [best_accuracy(model.grow(name, rows)) for name, rows in domains.items()]
    test = tuple(model.accuracy(name, tested(name)) for name in domains)
    rows = [tested(name) for name in domains]
    mixed = concat_rows(rows)
    predictor = Predictor(model.manifest, model.artifacts.get)
    prediction, _, task = predictor.predict_rows(mixed)
    truth = np.repeat(list(domains), [len(part) for part in rows])
    return Outcome(
        test,
        statistics.fmean(validation),
        float((prediction == mixed.labels).mean()),
        float((task == truth).mean()),
        tuple(zip(domains, model.selections, strict=True)),
    )


def best_accuracy(result: GrowthResult) -> float:
    """Accuracy on validation rows of the weights that were kept."""
    return result.prefix_accuracies[-1]


def tested(name: str) -> Rows:
    """The data set's own test rows in one domain."""
    images, labels = fashion_mnist.load("t10k")
    return make_rows(DOMAINS[name](images), labels)


def table(alone: Sequence[Outcome], grown: Sequence[Outcome]) -> list[str]:
    """A line a domain, means over seeds, and the lines below."""
    lines = ["| test accuracy | alone | grown | difference | by seed |", "| --- | --- | --- | --- | --- |"]
    for at, name in enumerate(DOMAINS):
        lines.append(line(name, [run.test[at] for run in alone], [run.test[at] for run in grown]))
    named = [statistics.fmean(run.test) for run in grown]
    lines.append(line("mean", [statistics.fmean(run.test) for run in alone], named))
    unnamed = [run.unnamed for run in grown]
    if any(unnamed):
        lines.append(line("mean, grown told the domain against not told", named, unnamed))
        routed = statistics.fmean(run.routed for run in grown)
        lines.append(f"| rows routed to their domain | | {routed:.2%} | | |")
    return lines


def line(name: str, before: Sequence[float], after: Sequence[float]) -> str:
    """Means of both sides and their difference, in percent and points."""
    differences = [100 * (new - old) for old, new in zip(before, after, strict=True)]
    by_seed = ", ".join(f"{each:+.2f}" for each in differences)
    return (
        f"| {name} | {statistics.fmean(before):.2%} | {statistics.fmean(after):.2%} "
        f"| {statistics.fmean(differences):+.2f} | {by_seed} |"
    )


if __name__ == "__main__":
    main()
