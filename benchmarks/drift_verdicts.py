"""What the judge says of fourteen cases, with and without labels: grown for, after how many windows, or not.

The whole judge with the decision `anytime` at alpha 0.05: evidence, harm, mix of labels, broken data. Five
stable windows come before each change, up to twelve changed ones after it, 500 rows a window. Rotation,
inversion, noise, other labels, new classes and a slow change ought to be grown for; another mix of the same
labels, a change that harms nothing and broken images ought never to be.
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
from drift_delay import noisy
from growing import SCHEMA, Garden, rows_of
from results import publish
from watching import TRAINED, train

from growlearn.domain.drift import DriftReport
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.schema import Label
from growlearn.drift.evidence.budget import for_life
from growlearn.drift.matching import match
from growlearn.drift.reference import Reference
from growlearn.drift.sample import Sample, targets_of
from growlearn.drift.watch import Carried
from growlearn.growth.model.network import GrowingNetwork

REFERENCE_ROWS, WINDOW_ROWS, STABLE, CHANGED, FADING = 2000, 500, 5, 12, 20
SPEC = DriftSpec(decision="anytime", alpha=0.05)

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
    gardens = {}
    for classes in (10, 8):
        known = labels[:TRAINED] < classes
        gardens[classes] = train(images[:TRAINED][known], labels[:TRAINED][known])
    table = [
        "| change | grow? | with labels: windows until it is grown for | said | without: windows | said |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in CASES:
        cells = [
            cell([run(case, gardens[case.classes], seed, labelled) for seed in range(options.streams)])
            for labelled in (True, False)
        ]
        table.append(f"| {case.name} | {WANTED[case.wanted]} | {' | '.join(cells)} |")
        print(table[-1], flush=True)
    publish(
        "drift_verdicts",
        "What the judge says of a change",
        table,
        f"{options.streams} streams a case with one model; windows: median (longest), `-` where no window of "
        f"{CHANGED} calls for growth; said: verdicts and kinds of the first changed window that is not "
        f"stable; {STABLE} stable windows first, none of which called for growth unless counted as false; "
        f"{WINDOW_ROWS} rows a window, {REFERENCE_ROWS:,} in the reference, alpha {SPEC.alpha} for life, "
        f"min_harm {SPEC.min_harm}, min_effect {SPEC.smallest_effect}; changed rows are test rows",
        f"drift_verdicts.py --streams {options.streams}",
    )


@cache
def data(part: str) -> tuple[Images, Images]:
    """Images and labels, read once."""
    return fashion_mnist.load(part)


@cache
def network_of(garden: Garden) -> GrowingNetwork:
    """The model, loaded once."""
    return garden.load(garden.manifest)


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


def run(case: Case, garden: Garden, seed: int, labelled: bool) -> tuple[int, str]:
    """Windows until growth is called for (0: falsely, CHANGED + 1: never), and what was said."""
    rng = np.random.default_rng(seed)
    images, labels = data("train")
    held = TRAINED + rng.permutation(np.flatnonzero(labels[TRAINED:] < case.classes))
    later, truth = data("t10k")
    weights = np.array(case.odds)[truth]
    weights /= weights.sum()
    reference = sample(garden, images[held[:REFERENCE_ROWS]], labels[held[:REFERENCE_ROWS]], True)
    carried, said = Carried(), "stable"
    for window in range(1 - STABLE, CHANGED + 1):
        if window <= 0:
            rows = rng.choice(held[REFERENCE_ROWS:], WINDOW_ROWS)
            seen, known = images[rows], labels[rows]
        else:
            rows = rng.choice(len(truth), WINDOW_ROWS, p=weights)
            seen, known = case.change(later[rows], window), case.relabel(truth[rows])
        report, carried = judged(garden, reference, seen, known, labelled, carried)
        if report.calls_for_growth:
            return max(0, window), told(report)
        if window > 0 and said == "stable":
            said = told(report)
    return CHANGED + 1, said


def judged(
    garden: Garden, reference: Sample, images: Images, labels: Images, labelled: bool, carried: Carried
) -> tuple[DriftReport, Carried]:
    """The report on one window, and the evidence after it. New labels are left to the judge's other part."""
    sides = Reference(
        task="known",
        reference=reference,
        window=sample(garden, images, labels, labelled),
        carried=carried,
        budget=for_life(SPEC.alpha / 4),
    )
    report = match([sides], "task-2", SPEC, "known")
    return report, carried if report.evidence is None else Carried.from_json(report.evidence)


def sample(garden: Garden, images: Images, labels: Images, labelled: bool) -> Sample:
    """Rows before the head of the one task."""
    rows = rows_of(np.ascontiguousarray(images), labels)
    features, outputs = network_of(garden).features_and_outputs(rows, "known")
    classes: tuple[Label, ...] = garden.manifest.task("known").classes
    known = targets_of(rows.labels, classes)
    return Sample(
        outputs=outputs,
        features=features,
        inputs=rows.inputs,
        kinds={name: spec.type for name, spec in SCHEMA.inputs.items()},
        targets=known if labelled else np.full(len(known), -1),
        classes=classes,
    )


def told(report: DriftReport) -> str:
    """Verdict and kind."""
    kind = "" if report.kind is None else f" ({report.kind.value})"
    return f"{report.verdict.value}{kind}"


def cell(runs: list[tuple[int, str]]) -> str:
    """Two cells of the table: the delays and what was said."""
    delays = sorted(delay for delay, _ in runs)
    shown = ["false" if delay == 0 else "-" if delay > CHANGED else str(delay) for delay in delays]
    middle, last = shown[len(shown) // 2], shown[-1]
    said = Counter(word for _, word in runs).most_common()
    words = ", ".join(word if count == len(runs) else f"{word} {count}" for word, count in said)
    return f"{middle} ({last}) | {words}"


if __name__ == "__main__":
    main()
