"""The verdicts on fourteen cases, with and without labels: grown for, after how many windows, or not.

The whole judge with decision_rule `sequential` at alpha 0.05: e-processes, error rates, label shift, data
quality. Five stable windows come before each change, up to twelve changed ones after it, 500 rows a
window. Rotation, inversion, noise, other labels, new classes and a slow change ought to be grown for; another
mix of the same labels, a change that leaves the error rate as it was and broken images ought never to be.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import fashion_mnist
import numpy as np
import torch
from branch_growth import SCHEMA, GrowingModel, make_rows
from drift_delay import noisy
from results import publish
from score_monitors import TRAINED, train

from growlearn.domain.drift import DriftReport, MonitorState
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.schema import Label
from growlearn.drift.sample import Sample, encode_labels
from growlearn.drift.sequential.alpha_budget import make_lifetime_budget
from growlearn.drift.task_data import TaskComparisonData
from growlearn.drift.task_matching import match_window
from growlearn.network.model.network import GrowingNetwork

REFERENCE_ROWS, WINDOW_ROWS, STABLE, CHANGED, FADING = 2000, 500, 5, 12, 20
CONFIG = DriftConfig(decision_rule="sequential", alpha=0.05)

WANTED = {True: "yes", False: "no", None: "either"}

Images = fashion_mnist.Array
Change = Callable[[Images, int], Images]
"""Images and the number of the changed window, from 1 -> changed images."""


@dataclass(frozen=True)
class Case:
    """A change of images or labels; `classes` are those the model knows, `odds` how often each is drawn."""

    name: str
    wanted: bool | None  # whether it ought to be grown for; None where either will do
    change: Change = lambda images, _: images
    relabel: Callable[[Images], Images] = lambda labels: labels
    classes: int = 10
    odds: tuple[float, ...] = (1.0,) * 10


def main() -> None:
    """Run every case, with labels and without, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(2)
    images, labels = data("train")
    models = {}
    for classes in (10, 8):
        known = labels[:TRAINED] < classes
        models[classes] = train(images[:TRAINED][known], labels[:TRAINED][known])
    table = [
        "| change | grow? | with labels: windows until growth | verdict | without: windows | verdict |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in CASES:
        cells = [
            cell([run(case, models[case.classes], seed, labelled) for seed in range(options.streams)])
            for labelled in (True, False)
        ]
        table.append(f"| {case.name} | {WANTED[case.wanted]} | {' | '.join(cells)} |")
        print(table[-1], flush=True)
    publish(
        "drift_verdicts",
        "The verdict on a change",
        table,
        f"{options.streams} streams a case with one model; windows: median (longest), `-` where no window of "
        f"{CHANGED} calls for growth; verdict: verdicts and kinds of the first changed window that is not "
        f"stable; {STABLE} stable windows first, none of which called for growth unless counted as false; "
        f"{WINDOW_ROWS} rows a window, {REFERENCE_ROWS:,} in the reference, alpha {CONFIG.alpha} for life, "
        f"min_error_increase {CONFIG.min_error_increase}, "
        f"min_effect_size {CONFIG.min_effect_size_or_default}; changed rows are test rows",
        f"drift_verdicts.py --streams {options.streams}",
    )


@cache
def data(part: str) -> tuple[Images, Images]:
    """Images and labels, read once."""
    return fashion_mnist.load(part)


@cache
def network_of(model: GrowingModel) -> GrowingNetwork:
    """The model, loaded once."""
    return model.load(model.manifest)


def rotated(images: Images, _: int) -> Images:
    """By 90 degrees."""
    return np.rot90(images, axes=(1, 2))


def inverted(images: Images, _: int) -> Images:
    """Black for white."""
    return 255 - images


def slowly_inverted(images: Images, window: int) -> Images:
    """One image in twenty more with every window."""
    some = np.random.default_rng(window).random(len(images)) < window / FADING
    return np.where(some[:, None, None], 255 - images, images)


def noise(sigma: float) -> Change:
    """Gaussian noise, sigma a share of the range."""
    return lambda images, _: noisy(images, sigma).astype(np.uint8)


CASES = (
    Case("rotated by 90 degrees", True, rotated),
    Case("inverted", True, inverted),
    Case("noise 0.1", True, noise(0.1)),
    Case("noise 0.3", True, noise(0.3)),
    Case("noise 0.5", True, noise(0.5)),
    Case("labels permuted", True, relabel=lambda labels: (labels + 1) % 10),
    Case("new classes", True, classes=8, odds=(1.0,) * 8 + (4 / 3,) * 2),
    Case("slowly inverted", True, slowly_inverted),
    Case("another label mix", False, odds=(3.0,) * 5 + (1.0,) * 5),
    Case("noise 0.05", None, noise(0.05)),
    Case("10 % darker", False, lambda images, _: (0.9 * images).astype(np.uint8)),
    Case("5 % darker", False, lambda images, _: (0.95 * images).astype(np.uint8)),
    Case("all images black", False, lambda images, _: np.zeros_like(images)),
    Case("nothing", False),
)


def run(case: Case, model: GrowingModel, seed: int, labelled: bool) -> tuple[int, str]:
    """Windows until growth is called for (0: falsely, CHANGED + 1: never), and the verdict."""
    rng = np.random.default_rng(seed)
    images, labels = data("train")
    held = TRAINED + rng.permutation(np.flatnonzero(labels[TRAINED:] < case.classes))
    later, truth = data("t10k")
    weights = np.array(case.odds)[truth]
    weights /= weights.sum()
    reference = sample(model, images[held[:REFERENCE_ROWS]], labels[held[:REFERENCE_ROWS]], True)
    carried, verdict = MonitorState(), "stable"
    for window in range(1 - STABLE, CHANGED + 1):
        if window <= 0:
            rows = rng.choice(held[REFERENCE_ROWS:], WINDOW_ROWS)
            seen, known = images[rows], labels[rows]
        else:
            rows = rng.choice(len(truth), WINDOW_ROWS, p=weights)
            seen, known = case.change(later[rows], window), case.relabel(truth[rows])
        report, carried = judged(model, reference, seen, known, labelled, carried)
        if report.needs_growth:
            return max(0, window), describe(report)
        if window > 0 and verdict == "stable":
            verdict = describe(report)
    return CHANGED + 1, verdict


def judged(
    model: GrowingModel,
    reference: Sample,
    images: Images,
    labels: Images,
    labelled: bool,
    carried: MonitorState,
) -> tuple[DriftReport, MonitorState]:
    """The report on one window, and the monitor's state after it; it does not look for new labels."""
    sides = TaskComparisonData(
        task="known",
        reference_sample=reference,
        window_sample=sample(model, images, labels, labelled),
        monitor_state=carried,
        budget=make_lifetime_budget(CONFIG.alpha / 4),
    )
    report = match_window([sides], "task-2", CONFIG, "known")
    return report, report.monitor_state or carried


def sample(model: GrowingModel, images: Images, labels: Images, labelled: bool) -> Sample:
    """Rows before the head of the one task."""
    rows = make_rows(np.ascontiguousarray(images), labels)
    features, outputs = network_of(model).features_and_probabilities(rows, "known")
    classes: tuple[Label, ...] = model.manifest.task("known").classes
    known = encode_labels(rows.labels, classes)
    return Sample(
        outputs=outputs,
        features=features,
        inputs=rows.inputs,
        kinds={name: spec.type for name, spec in SCHEMA.inputs.items()},
        targets=known if labelled else np.full(len(known), -1),
        classes=classes,
    )


def describe(report: DriftReport) -> str:
    """Verdict and kind."""
    kind = "" if report.kind is None else f" ({report.kind.value})"
    return f"{report.verdict.value}{kind}"


def cell(runs: list[tuple[int, str]]) -> str:
    """Two cells of the table: the delays and the verdict."""
    delays = sorted(delay for delay, _ in runs)
    shown = ["false" if delay == 0 else "-" if delay > CHANGED else str(delay) for delay in delays]
    middle, last = shown[len(shown) // 2], shown[-1]
    verdict = Counter(word for _, word in runs).most_common()
    words = ", ".join(word if count == len(runs) else f"{word} {count}" for word, count in verdict)
    return f"{middle} ({last}) | {words}"


if __name__ == "__main__":
    main()
