"""Thirty windows of a stream's life: GrowLearn, never updating, retraining, fine-tuning, always growing.

Fashion-MNIST, one label for each of ten classes in four regimes that come and go: as it is, rotated,
inverted, permuted pixels. Three windows come with a burst of label noise, one is poisoned: every label is
that of the next class. Nothing says which regime a window belongs to, nor which windows are bad. Every window
is answered by the model as it stands before that window is learned from, and scored on its true labels; so
nothing answered was ever trained on. The first window only teaches.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fashion_mnist
import kept
import numpy as np
import torch
from branch_growth import SCHEMA, GrowingModel, make_rows
from in_memory_stream import InMemoryStream
from results import RESULTS, publish

from growlearn.adapters.engines.local import LocalEngine
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.growth import BranchInit
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import BaselineComparisonConfig, GateConfig, Job, SourceConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.window import Window, WindowState
from growlearn.ingest.rows import Rows

Images = fashion_mnist.Array

FIRST_ROWS, ROWS, NOISE, CLASSES = 4000, 1000, 0.3, 10
LAST_ROWS = FIRST_ROWS + 29 * ROWS  # of all windows
MODEL, GROWTH = ModelConfig(max_branches=40), GrowthConfig(epochs=6)

LIFE = tuple(re.findall("[A-D][~!]?", "A A A A B B B A A~ A C C C B A! A B~ C A D D A A~ A A D B C A A"))
"""Regime of each window; ~ with noisy labels, ! poisoned."""
REGIMES = {"A": "as it is", "B": "rotated", "C": "inverted", "D": "permuted pixels"}


@dataclass(frozen=True)
class Sent:
    """One window: images, the labels that come with them, the true ones, and what it was."""

    what: str
    images: Images
    labels: Images
    truth: Images


@dataclass
class Outcome:
    """One side of one seed: share right of each window after the first, trainings and their seconds."""

    right: list[float] = field(default_factory=list)
    trainings: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Accuracy over the stream's life."""
        return float(np.mean(self.right))


def life(seed: int) -> list[Sent]:
    """All windows, from rows that no two of them share."""
    rng = np.random.default_rng(seed)
    images, labels = fashion_mnist.load("train")
    order, pixels = rng.permutation(len(labels)), rng.permutation(28 * 28)
    sent, at = list[Sent](), 0
    for what in LIFE:
        count = ROWS if sent else FIRST_ROWS
        rows = order[at : at + count]
        at += count
        truth = labels[rows]
        sent.append(
            Sent(what, changed(images[rows], what[0], pixels), given_labels(truth, what[1:], rng), truth)
        )
    return sent


def changed(images: Images, regime: str, pixels: np.ndarray[Any, Any]) -> Images:
    """Images as a regime shows them."""
    if regime == "B":
        return np.rot90(images, axes=(1, 2)).copy()
    if regime == "C":
        return 255 - images
    return images if regime == "A" else images.reshape(len(images), -1)[:, pixels].reshape(images.shape)


def given_labels(truth: Images, how: str, rng: np.random.Generator) -> Images:
    """The labels that come with a window."""
    if how == "!":
        return (truth + 1) % CLASSES
    if how == "~":
        return np.where(rng.random(len(truth)) < NOISE, rng.integers(0, CLASSES, len(truth)), truth)
    return truth


def job_of(seed: int, named: bool) -> Job:
    """With `named` every window is a task of its own, so a branch is trained for each of them."""
    job = Job(
        name="life", source=SourceConfig(url="memory"), model=MODEL, growth=replace(GROWTH, seed=seed),
        schema=replace(SCHEMA, label="label", task="task" if named else None),
        drift=DriftConfig(decision_rule="sequential", alpha=0.05),
    )  # fmt: skip
    return (
        replace(
            job, baseline_comparison=BaselineComparisonConfig(baselines=()), gates=GateConfig(min_gain=-1.0)
        )
        if named
        else job
    )


def note(side: InMemoryStream, window: Window, what: str) -> str:
    """What became of a window, and which gate stopped it."""
    record = side.store.window_record("life", window.id)
    failed = [gate.gate for gate in record.gates if not gate.passed]
    stopped = f" by gate {', '.join(failed)}" if failed else ""
    selection = record.model_selection
    kept = "" if selection is None or failed else f", {selection.selected} kept"
    return f"{window.id} {what}: {window.verdict}, {window.state}{stopped}{kept}"


def product(seed: int, named: bool) -> Outcome:
    """One life with the product."""
    side, outcome = InMemoryStream(job_of(seed, named)), Outcome()
    for number, sent in enumerate(life(seed), 1):
        if number > 1:
            outcome.right.append(share(side.answer(make_rows(sent.images, sent.truth)), sent))
        started = time.perf_counter()
        window = side.learn(sent.images, sent.labels, f"t{number}" if named else None)
        trained = window.state in (WindowState.PROMOTED, WindowState.REJECTED, WindowState.PENDING_APPROVAL)
        outcome.trainings += trained
        outcome.seconds += time.perf_counter() - started if trained else 0.0
        outcome.notes.append(note(side, window, sent.what))
    return outcome


def share(answers: Images, sent: Sent) -> float:
    """Share of a window's rows answered as they truly are."""
    return float((answers == sent.truth).mean())


def never(model: GrowingModel, number: int, rows: Rows) -> bool:
    """Learn the first window alone."""
    if number > 1:
        return False
    return anew(model, number, rows)


def anew(model: GrowingModel, number: int, rows: Rows) -> bool:
    """A new model of the window alone."""
    model.manifest = replace(model.manifest, branches=(), tasks=(), router=None)
    model.grow(f"t{number}", rows)
    return True


def fine_tune(model: GrowingModel, number: int, rows: Rows) -> bool:
    """The same weights trained on."""
    if not model.manifest.tasks:
        return anew(model, number, rows)
    plan = model.plan(f"t{number}", rows)
    parent = model.manifest.tasks[-1]
    plan = replace(
        plan, init=BranchInit.WARM_START, parent_task=parent.name, lineage=(), train_router=False,
        init_head_from_parent=parent.classes == plan.classes,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        (result,) = LocalEngine(model.artifacts, Path(scratch)).run([plan], lambda _: None)
    grown = result.build_manifest(plan)
    model.manifest = replace(grown, branches=grown.branches[-1:], tasks=grown.tasks[-1:])
    return True


def one_model(
    seed: int, learn: Callable[[GrowingModel, int, Rows], bool], drawn_rows: int | None = None
) -> Outcome:
    """One life with one model of one branch, which learns from the window or so many of all rows so far."""
    model, outcome, kept = GrowingModel(MODEL, replace(GROWTH, seed=seed)), Outcome(), list[Sent]()
    model.route, rng = False, np.random.default_rng(seed)
    for number, sent in enumerate(life(seed), 1):
        if number > 1:
            head = model.manifest.tasks[-1]
            logits = model.load(model.manifest).logits(make_rows(sent.images, sent.truth), head.name)
            outcome.right.append(share(np.array(head.classes)[logits.argmax(1)], sent))
        kept = [sent] if drawn_rows is None else [*kept, sent]
        rows = make_rows(
            np.concatenate([window.images for window in kept]),
            np.concatenate([window.labels for window in kept]),
        )
        rows = rows.take(rng.permutation(len(rows))[:drawn_rows])
        started = time.perf_counter()
        outcome.trainings += learn(model, number, rows)
        outcome.seconds += time.perf_counter() - started
    return outcome


OURS = "GrowLearn"
SIDES: dict[str, Callable[[int], Outcome]] = {
    OURS: lambda seed: product(seed, named=False),
    "never updated": lambda seed: one_model(seed, never),
    "from nothing, every window": lambda seed: one_model(seed, anew),
    "fine-tuned, every window": lambda seed: one_model(seed, fine_tune),
    "grown, every window": lambda seed: product(seed, named=True),
    "from nothing, every window, on 4,000 of all rows": lambda seed: one_model(seed, anew, FIRST_ROWS),
    "from nothing, every window, on all rows": lambda seed: one_model(seed, anew, LAST_ROWS),
}


def main() -> None:
    """Live every life, print and keep the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", help="one side, printed and not published")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for finished lives, which the next run takes up")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        lives = {
            name: [resume(name, seed, folder) for seed in range(options.seeds)]
            for name in SIDES
            if options.only in (None, name)
        }
    if options.only is None:
        report(lives, options.threads)


def resume(name: str, seed: int, folder: Path) -> Outcome:
    """The outcome of a side and seed, read where it is finished already."""

    def run() -> Outcome:
        outcome = SIDES[name](seed)
        print(f"{name}, seed {seed}: {outcome}", flush=True)
        return outcome

    return kept.resume(folder / f"life-{list(SIDES).index(name)}-{seed}.json", Outcome, run)


def report(lives: dict[str, list[Outcome]], threads: int) -> None:
    """The table, what became of the bad windows, and accuracy window by window."""
    table = [
        "| side | accuracy over life | by seed | trainings | their time |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, outcomes in lives.items():
        means = [outcome.mean for outcome in outcomes]
        counts = ", ".join(str(outcome.trainings) for outcome in outcomes)
        seconds = np.mean([outcome.seconds for outcome in outcomes])
        by_seed = ", ".join(f"{mean:.2%}" for mean in means)
        table.append(f"| {name} | {np.mean(means):.2%} | {by_seed} | {counts} | {seconds:.0f} s |")
    table += ["", "What GrowLearn did where it trained or was given bad labels, seed by seed:", ""]
    for seed, outcome in enumerate(lives[OURS]):
        some = [note for note in outcome.notes if "skipped" not in note or "~" in note or "!" in note]
        table += [f"- seed {seed}: {'; '.join(some)}"]
    table += ["", "![accuracy window by window](life.png)"]
    picture(lives)
    named = ", ".join(f"{key} {value}" for key, value in REGIMES.items())
    publish(
        "life",
        "Thirty windows of a stream's life",
        table,
        f"Windows: {' '.join(LIFE)}; {named}; ~ {NOISE:.0%} of labels at random, ! every label the next "
        f"class's; {FIRST_ROWS:,} rows in the first, {ROWS:,} in each other; answered before they are "
        f"learned from; {threads} threads; means over the 29 after the first; width 64, one branch of one "
        f"layer for sides of one model, at most {GROWTH.max_epochs} epochs a training; GrowLearn: "
        "decision_rule sequential, alpha 0.05 for life, defaults else; grown every window: no comparison "
        "with baselines, answers routed "
        "among all; all rows: of every window so far; rejected trainings count, and their time holds that of "
        "the baselines",
    )


def picture(lives: dict[str, list[Outcome]]) -> None:
    """Accuracy of every side, window by window, the mean of all seeds."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - a second to import, at the end of an hour

    figure, axes = plt.subplots(figsize=(11, 4.5), layout="constrained")
    at = range(2, len(LIFE) + 1)
    for name, outcomes in lives.items():
        shares = 100 * np.mean([outcome.right for outcome in outcomes], axis=0)
        axes.plot(at, shares, label=name, linewidth=2.4 if name == OURS else 1.0, marker=".")
    axes.set_xticks(list(at), LIFE[1:], fontsize=8)
    axes.set(xlabel="window", ylabel="answered right before learning, per cent", ylim=(0, 100))
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    figure.savefig(RESULTS / "life.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
